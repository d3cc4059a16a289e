"""Training, versions and jobs in Debian's chromium: a table goes in, and its page comes out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from serving.auth import new_key
from tests.service import Service, serve
from tests.serving.pages.test_in_a_browser import SIZES, opened

TOKEN, KEY = new_key("trainer", ["train"])
WAIT = 120_000


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service without a model, and a worker that trains."""
    folder = tmp_path_factory.mktemp("training")
    with serve(
        folder / "models", TRAINING_WORKER="embedded", DEFAULT_MODEL="none", API_KEYS=KEY.entry()
    ) as running:
        yield running


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chance = random.Random(3)
    lines = ["age;code;<b>paid</b>"]
    for _ in range(300):
        age = chance.randint(18, 80)
        lines.append(
            f"{age};{chance.randint(1, 9)};{'yes' if age + chance.gauss(0, 9) > 45 else 'no'}"
        )
    file = tmp_path_factory.mktemp("table") / "Debt & Co.csv"
    file.write_text("\n".join(lines))
    return file


def enter_key(page: Page, token: str) -> None:
    page.get_by_label("Key").fill(token)
    page.get_by_role("button", name="Enter").click()


def described(page: Page, table: Path) -> None:
    """Choose a table and the column to predict."""
    page.locator("#file").set_input_files(table)
    page.locator("#target").select_option(label="<b>paid</b>", timeout=WAIT)
    expect(page.locator("#columns")).to_contain_text("A class, one of 2: no, yes", timeout=WAIT)


def learnt(page: Page) -> None:
    """Start the training, and follow it to its end."""
    page.locator("#estimator").select_option("logistic")
    page.get_by_role("button", name="Learn").click()
    page.wait_for_url("**/jobs/*")
    expect(page.locator("#open")).to_be_visible(timeout=WAIT)


def test_a_table_is_described_corrected_learnt_and_ends_on_its_page(browser, trained, table):
    with opened(browser, trained.url) as page:
        page.get_by_role("link", name="Train the first one from a table").click()
        enter_key(page, TOKEN)
        described(page, table)
        expect(page.locator("#model")).to_have_value("debt-co")
        page.get_by_label("Kind of code").select_option("category")
        row = page.locator("tr", has=page.get_by_label("Kind of code"))
        expect(row).to_contain_text("1, 2, 3, 4, 5, 6 and 3 more", timeout=WAIT)
        learnt(page)
        page.locator("#open").click()
        page.get_by_role("button", name="Predict").click()
        expect(page.locator("#answer")).to_contain_text("yes")
    info = requests.get(f"{trained.url}/v0/models/debt-co/model_info", timeout=30).json()
    kinds = {feature["name"]: feature["kind"] for feature in info["signature"]["features"]}
    assert kinds == {"age": "integer", "code": "category"}


def test_a_second_version_is_compared_promoted_and_rolled_back(browser, trained, table):
    with opened(browser, f"{trained.url}/train?name=debt-co") as page:
        enter_key(page, TOKEN)
        described(page, table)
        page.locator("#promote").select_option("never")
        learnt(page)
        page.get_by_role("link", name="Compare the versions").click()
        expect(page.locator(".compared tbody tr").first).to_be_visible()
        page.on("dialog", lambda dialog: dialog.accept())
        rows = page.locator(".list tbody tr")
        new = rows.first.locator("code").inner_text()
        page.get_by_role("button", name=f"Promote {new}").click()
        expect(rows.first).to_contain_text("champion")
        page.get_by_role("button", name="Roll back").click()
        expect(rows.nth(1)).to_contain_text("champion")


def test_a_wrong_key_is_said_and_another_one_taken(browser, trained, table):
    with opened(browser, f"{trained.url}/train") as page:
        enter_key(page, "nonsense-nonsense-1")
        page.locator("#file").set_input_files(table)
        expect(page.locator("#train-fault")).to_contain_text("The key is not accepted")
        enter_key(page, TOKEN)
        expect(page.locator("#target")).to_be_visible(timeout=WAIT)
        expect(page.locator("#train-fault")).to_be_hidden()


def test_what_is_no_table_is_said_with_its_reason(browser, trained, tmp_path):
    page_of_html = tmp_path / "table.csv"
    page_of_html.write_text("<!DOCTYPE html><html><body>Sign in</body></html>")
    with opened(browser, f"{trained.url}/train") as page:
        enter_key(page, TOKEN)
        page.locator("#file").set_input_files(page_of_html)
        expect(page.locator("#columns")).to_contain_text("cannot be read so", timeout=WAIT)
        expect(page.locator("#options")).to_be_hidden()


def test_without_a_script_the_pages_show_the_commands(browser, trained):
    with opened(browser, f"{trained.url}/train", java_script_enabled=False) as page:
        expect(page.locator("main")).to_contain_text("/v0/describe")
        expect(page.locator("#train")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_training_keeps_the_rules_of_accessibility(
    browser: Browser, trained: Service, table: Path, axe: str, size: str, scheme: str
) -> None:
    width, height = SIZES[size]
    options = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    with opened(browser, f"{trained.url}/train", bypass_csp=True, **options) as page:
        enter_key(page, TOKEN)
        described(page, table)
        addresses = ["", f"{trained.url}/jobs", f"{trained.url}/models/debt-co/versions"]
        for address in addresses:
            if address:
                page.goto(address)
                expect(page.locator("h1")).to_be_visible()
                page.wait_for_function("!document.querySelector('#key-said')")
            page.evaluate(axe)
            found = page.evaluate("axe.run().then(found => found.violations.map(one => one.id))")
            assert found == [], address
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
