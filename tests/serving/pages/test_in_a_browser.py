"""The pages in Debian's chromium: what people see is what /v0/predict answers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from serving.auth import new_key
from tests.service import Service, serve

SIZES = {"phone": (375, 800), "desk": (1280, 900)}
HOUSE = {
    "area": 120.5,
    "rooms": 4,
    "district": "ação <b>",
    "street": "s007",
    "garden": True,
    "sold_on": "2024-02-29",
    "note": "sea view, <b>quiet</b> & fully renovated",
}


@contextmanager
def opened(browser: Browser, address: str, **options: Any) -> Iterator[Page]:
    """Open a page; what its script or its policy complains of fails the test."""
    context = browser.new_context(**{"locale": "en-US", **options})
    context.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: (
            complaints.append(said.text)
            if said.type == "error" and "Failed to load resource" not in said.text
            else None
        ),
    )
    page.goto(address)
    yield page
    context.close()
    assert complaints == []


def told(service: Service, model: str, row: dict[str, Any], **query: str) -> Any:
    """Return what the API says of a row."""
    address = f"{service.url}/v0/models/{model}/predict"
    answer = requests.post(address, json=row, params=query, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()["prediction"]


def fill(page: Page, row: dict[str, Any]) -> None:
    """Fill a form, each field by its label."""
    for name, value in row.items():
        field = page.get_by_label(name, exact=True)
        if isinstance(value, bool):
            field.set_checked(value)
        elif field.evaluate("one => one.tagName") == "SELECT":
            labels = field.locator("option").all_text_contents()
            field.select_option(index=[label.partition(" · ")[0] for label in labels].index(value))
        else:
            field.fill(str(value))


def shown(value: float) -> str:
    return f"{100 * value:.1f} %"


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_every_kind_of_feature_is_filled_in_and_answered_as_the_api_does(browser, pages, script):
    answer = told(pages, "kinds", HOUSE, interval="0.9")
    with opened(browser, f"{pages.url}/models/kinds", java_script_enabled=script) as page:
        fill(page, HOUSE)
        page.get_by_role("button", name="Predict").click()
        expect(page.locator("#value")).to_have_text(f"{answer['value']:.1f}".removesuffix(".0"))
        low, high = (f"{end:.1f}".removesuffix(".0") for end in answer["interval"])
        expect(page.locator(".interval")).to_have_text(
            f"Nine of ten such rows lie between {low} and {high}."
        )
        expect(page.locator("#why")).to_contain_text("sold_on")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_of_many_classes_the_first_are_listed(browser, pages, script):
    answer = told(pages, "letters", {"x": 3, "y": 2})
    with opened(browser, f"{pages.url}/models/letters", java_script_enabled=script) as page:
        fill(page, {"x": 3, "y": 2})
        page.get_by_role("button", name="Predict").click()
        expect(page.locator("#value")).to_have_text(answer["value"])
        expect(page.locator("#probability")).to_have_text(shown(answer["probability"]))
        expect(page.locator(".classes tr")).to_have_count(7)
        expect(page.locator(".classes")).to_contain_text("6 other classes")


def test_a_slider_s_answer_comes_while_it_moves(browser, pages):
    example = requests.get(f"{pages.url}/v0/models/credit/model_info", timeout=30).json()
    row = {f["name"]: f["example"] for f in example["signature"]["features"]}
    with opened(browser, f"{pages.url}/models/credit") as page:
        slider = page.get_by_label("amount, slider")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url.partition("/credit/")[2]))
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
        page.mouse.down()
        for part in range(25, 96, 5):
            page.mouse.move(box["x"] + box["width"] * part / 100, box["y"] + box["height"] / 2)
        page.mouse.up()
        row["amount"] = int(page.get_by_label("amount", exact=True).input_value())
        assert row["amount"] > 4000
        answer = told(pages, "credit", row)
        expect(page.locator("#value")).to_have_text(str(answer["value"]).lower())
        expect(page.locator("#probability")).to_have_text(shown(answer["probability"]))
        expect(page.locator("#why")).not_to_have_class("stale")
        assert {"answer", "why?explain=12"} == set(asked) - {""}
        assert page.evaluate("performance.getEntriesByName('mirante-answer').length") > 0


@pytest.mark.parametrize("model", ["credit", "letters", "kinds", "wide"])
def test_the_waterfall_adds_up_to_the_score(browser, pages, model):
    with opened(browser, f"{pages.url}/models/{model}") as page:
        table = page.locator(".waterfall")
        baseline = float(table.locator("[data-baseline]").get_attribute("data-baseline") or "")
        amounts = table.locator("[data-amount]").evaluate_all(
            "all => all.map(c => +c.dataset.amount)"
        )
        score = float(table.locator("[data-score]").get_attribute("data-score") or "")
        assert baseline + sum(amounts) == pytest.approx(score, abs=1e-9)
        row = {"space": page.locator("#why p").first.text_content()}
        assert row["space"]
        if model == "credit":
            assert (
                shown(score)
                == page.locator(".classes tr", has_text="true").locator(".figure").text_content()
            )


def test_the_keyboard_alone_is_enough(browser, pages):
    with opened(browser, f"{pages.url}/models/kinds") as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="To the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        area = page.get_by_label("area", exact=True)
        for _ in range(30):
            page.keyboard.press("Tab")
            if area.evaluate("one => one === document.activeElement"):
                break
        page.keyboard.press("Control+a")
        page.keyboard.type("77.5")
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")  # of the slider
        moved = float(area.input_value())
        assert moved > 77.5
        page.keyboard.press("Tab")
        page.keyboard.press("Control+a")
        page.keyboard.type("3")
        page.keyboard.press("Enter")
        row = {"area": moved, "rooms": 3}
        example = requests.get(f"{pages.url}/v0/models/kinds/model_info", timeout=30).json()
        filled = {f["name"]: f["example"] for f in example["signature"]["features"]} | row
        expect(page.locator("#value")).to_have_text(f"{told(pages, 'kinds', filled)['value']:.1f}")


def test_what_does_not_fit_is_said_at_its_field_and_what_was_entered_stays(browser, pages):
    with opened(browser, f"{pages.url}/models/kinds") as page:
        page.get_by_label("area", exact=True).fill("1e39")
        expect(page.get_by_role("alert")).to_have_text(
            "A value does not fit. It is marked in the form."
        )
        area = page.get_by_label("area", exact=True)
        expect(area).to_have_attribute("aria-invalid", "true")
        expect(page.locator(".control.wrong .problem")).to_have_text("Expected a number.")
        expect(area).to_have_value("1e39")
        area.fill("33")
        expect(page.get_by_role("alert")).to_be_hidden()
        expect(area).not_to_have_attribute("aria-invalid", "true")


def test_an_unseen_street_and_a_missing_area_are_taken_and_said(browser, pages):
    with opened(browser, f"{pages.url}/models/kinds") as page:
        page.get_by_label("area", exact=True).fill("")
        page.get_by_label("street", exact=True).fill("<i>nowhere</i>")
        page.get_by_label("rooms", exact=True).fill("60")
        expect(page.locator(".warnings li")).to_have_count(2)
        expect(page.locator(".warnings")).to_contain_text("street: training never saw this value.")
        expect(page.locator(".warnings")).to_contain_text("rooms: outside of training, which had 1")


def test_the_code_beside_the_form_is_its_request_and_runs(browser, pages, tmp_path):
    with opened(browser, f"{pages.url}/models/kinds") as page:
        page.locator("details.code", has_text="Python").locator("summary").click()
        fill(page, HOUSE)
        code = page.locator("#code-Python")
        expect(code).to_contain_text("quiet</b> & fully renovated")
        program = tmp_path / "program.py"
        program.write_text(code.text_content() or "", "utf-8")
    command = [sys.executable, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert repr(told(pages, "kinds", HOUSE)["value"]) in done.stdout


def test_of_many_features_one_is_found_by_its_name(browser, pages):
    with opened(browser, f"{pages.url}/models/wide") as page:
        expect(page.locator(".group[open]")).to_have_count(1)
        expect(page.get_by_label("sensor_41", exact=True)).to_be_visible()
        page.get_by_label("Find a feature").fill("R_59")
        expect(page.get_by_label("sensor_59", exact=True)).to_be_visible()
        expect(page.locator(".control:visible")).to_have_count(1)
        page.get_by_label("Find a feature").fill("nobody")
        expect(page.get_by_role("status")).to_have_text("No feature has that name.")
        page.get_by_label("Find a feature").fill("")
        expect(page.locator(".control:visible")).to_have_count(12)


def test_the_list_leads_to_a_prediction_in_two_clicks(browser, pages):
    with opened(browser, f"{pages.url}/") as page:
        page.get_by_role("link", name="letters").click()
        page.get_by_role("button", name="Predict").click()
        expect(page.locator("#value")).to_be_visible()


def test_another_language_stays_chosen(browser, pages):
    with opened(browser, f"{pages.url}/") as page:
        page.get_by_role("link", name="Português").click()
        page.get_by_role("link", name="credit").click()
        expect(page.locator("#told")).to_have_text("Resposta")
        page.get_by_label("age", exact=True).fill("30")
        expect(page.locator(".classes caption")).to_have_text("Probabilidade de cada classe")
    with opened(browser, f"{pages.url}/", locale="pt-BR") as page:
        expect(page.locator("h1")).to_have_text("Modelos")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "path", ["/", "/models/credit", "/models/kinds", "/models/wide", "/nothing"]
)
def test_no_page_breaks_a_rule_of_accessibility_or_is_wider_than_its_screen(
    browser, pages, axe, path, size, scheme
):
    width, height = SIZES[size]
    options = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    # The policy of our pages would not let the tests' own script in.
    with opened(browser, f"{pages.url}{path}", bypass_csp=True, **options) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        page.add_script_tag(content=axe)
        found = page.evaluate("axe.run()")
        told = [
            (one["id"], one["help"], [node["html"][:200] for node in one["nodes"][:3]])
            for one in found["violations"]
        ]
        assert told == [], json.dumps(told, indent=1)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_service_that_stops_is_said_in_a_sentence_and_the_entries_stay(browser, page_store):
    with serve(page_store, WEB_CONCURRENCY="1", MODELS="letters") as service:
        context = browser.new_context(locale="pt-BR")
        page = context.new_page()
        page.goto(f"{service.url}/models/letters")
    page.get_by_label("x", exact=True).fill("2.5")
    expect(page.get_by_role("alert")).to_have_text(
        "O serviço não responde. O que você preencheu continua aqui: tente de novo."
    )
    expect(page.get_by_label("x", exact=True)).to_have_value("2.5")
    context.close()


@pytest.fixture(scope="module")
def closed(page_store: Path) -> Iterator[tuple[Service, str]]:
    token, key = new_key("reader", ["predict"])
    settings = {"REQUIRE_API_KEY": "1", "API_KEYS": key.entry(), "MODELS": "letters"}
    with serve(page_store, WEB_CONCURRENCY="1", **settings) as running:
        yield running, token


def test_behind_a_key_pages_open_with_it_alone_and_forget_it_with_the_tab(browser, closed):
    service, token = closed
    with opened(browser, f"{service.url}/models/letters") as page:
        assert "letters" not in page.content().replace("/models/letters", "")
        page.get_by_label("Key").fill("mirante_wrong")
        page.get_by_role("button", name="Enter").click()
        expect(page.locator("#key-said")).to_have_text(
            "The key is not accepted. Enter another one."
        )
        page.get_by_label("Key").fill(token)
        page.get_by_role("button", name="Enter").click()
        expect(page.locator("h1")).to_have_text("letters")
        page.get_by_label("x", exact=True).fill("3")
        answer = requests.post(
            f"{service.url}/v0/models/letters/predict",
            json={"x": 3, "y": float(page.get_by_label("y", exact=True).input_value())},
            headers={"X-API-Key": token},
            timeout=30,
        ).json()
        expect(page.locator("#probability")).to_have_text(
            shown(answer["prediction"]["probability"])
        )
        page.get_by_role("link", name="Models").click()
        expect(page.get_by_role("link", name="letters")).to_be_visible()
        assert token not in page.url
        assert page.context.cookies() == []
        assert page.evaluate("localStorage.length") == 0
        other = page.context.new_page()
        other.goto(f"{service.url}/")
        expect(other.locator("h1")).to_have_text("A key is needed")


def test_behind_a_key_without_a_script_a_sentence_says_so(browser, closed):
    service, _ = closed
    with opened(browser, f"{service.url}/models/letters", java_script_enabled=False) as page:
        said = page.get_by_text("Without JavaScript the key cannot be sent.")
        expect(said).to_be_visible()
