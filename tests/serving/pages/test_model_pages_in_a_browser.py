"""Quality, data and the card in Debian's chromium: by hand, by keyboard, without a script."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.conftest import ROOT
from tests.serving.pages.test_in_a_browser import SIZES, opened


def metrics(pages, model: str) -> dict:
    address = f"{pages.url}/v0/models/{model}/model_info"
    return requests.get(address, timeout=30).json()["metrics"]


def violations(page: Page, axe: str) -> list[tuple[str, str]]:
    """Return the rules of accessibility that a page breaks, each with a place."""
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.add_script_tag(content=axe)
    found = page.evaluate("axe.run()")["violations"]
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in found]


@pytest.mark.parametrize(("size", "scheme"), [("desk", "light"), ("phone", "dark")])
@pytest.mark.parametrize(
    "path", ["credit/quality", "kinds/quality", "letters/quality", "kinds/data", "wide/data"]
)
def test_no_page_breaks_a_rule_of_accessibility_or_is_wider_than_its_screen(
    browser, pages, axe, path, size, scheme
):
    width, height = SIZES[size]
    options = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    # The policy of our pages would not let the tests' own script in.
    with opened(browser, f"{pages.url}/models/{path}", bypass_csp=True, **options) as page:
        assert violations(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_the_threshold_moves_and_counts_are_those_of_the_metrics(browser, pages, script):
    (tn, fp), (fn, tp) = metrics(pages, "credit")["confusion_matrix"]
    address = f"{pages.url}/models/credit/quality"
    with opened(browser, address, java_script_enabled=script) as page:
        cells = page.get_by_role("table", name="Rows by what they are").locator("td.figure")
        counts = [re.split(r"\s", text)[0] for text in cells.all_text_contents()]
        assert counts == [str(count) for count in (tn, fp, fn, tp)]
        page.get_by_label("Threshold, 0 to 1").fill("0")
        page.get_by_label("Cost of a false taken for true").fill("5")
        page.locator("#threshold ~ form button").click()
        expect(page.get_by_label("Threshold, 0 to 1")).to_have_value("0")
        expect(cells.nth(2)).to_have_text("0 (0.0 %)")
        page.get_by_role("link", name="Take the threshold of least cost").click()
        expect(page.get_by_text("No other threshold costs less.")).to_be_visible()
        expect(page.get_by_label("Cost of a false taken for true")).to_have_value("5")


def test_a_feature_is_chosen_by_the_keyboard_and_the_threshold_stays(browser, pages):
    with opened(browser, f"{pages.url}/models/credit/quality?threshold=0.25") as page:
        page.get_by_label("Feature", exact=True).focus()
        page.keyboard.type("income")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("img", name="The answer by income")).to_be_visible()
        expect(page.get_by_label("Threshold, 0 to 1")).to_have_value("0.25")


def test_a_wide_table_is_moved_by_the_keyboard(browser, pages):
    size = {"width": 375, "height": 800}
    with opened(browser, f"{pages.url}/models/credit/quality", viewport=size) as page:
        table = page.get_by_role("group", name="Most wrong, the largest loss first")
        table.focus()
        page.keyboard.press("End")
        page.keyboard.press("ArrowRight")
        page.wait_for_function("one => one.scrollLeft > 0", arg=table.element_handle())


def test_features_are_found_and_paged_without_a_script(browser, pages):
    address = f"{pages.url}/models/wide/data"
    with opened(browser, address, java_script_enabled=False, locale="pt-BR") as page:
        expect(page.locator(".feature")).to_have_count(50)
        page.get_by_role("link", name="Próxima").click()
        expect(page.locator(".feature")).to_have_count(10)
        page.get_by_label("Procurar uma variável").fill("_41")
        page.get_by_role("button", name="Mostrar").click()
        expect(page.locator(".feature h3")).to_have_text(["sensor_41"])


@pytest.mark.parametrize("language", ["en", "pt"])
def test_a_card_opens_from_a_file_and_asks_for_nothing(
    browser, page_store, tmp_path, axe, language
):
    command = [sys.executable, "build_model.py", "--card", "credit", "--lang", language]
    settings = {**os.environ, "MODEL_STORE": str(page_store)}
    made = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, check=True)
    file = tmp_path / "card.html"
    file.write_bytes(made.stdout)
    context = browser.new_context(viewport={"width": 375, "height": 800}, bypass_csp=False)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    expect(page.locator("h1")).to_contain_text("credit")
    expect(page.get_by_role("img").first).to_be_visible()
    page.wait_for_timeout(300)
    assert asked == [file.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") == "24px"
    context.close()
    with opened(browser, file.as_uri(), bypass_csp=True) as whole:
        assert violations(whole, axe) == []
