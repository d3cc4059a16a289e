"""The page of a model's quality, for each kind of model, in either language, without a script."""

from __future__ import annotations

import re

import pytest

from tests.serving.factory import make_live
from tests.serving.pages.harmless import assert_harmless
from tests.serving.pages.site import TOKEN, Site
from tests.serving.pages.versions_made import live


@pytest.fixture
def site(tmp_path):
    lives = (live(kind) for kind in ("two", "many", "quantity", "hostile"))
    return Site(tmp_path, *lives, make_live("old"))


@pytest.mark.parametrize(
    ("name", "sections"),
    [
        ("two", "metrics threshold curves importances dependence rows"),
        ("many", "metrics confusion curves importances dependence rows"),
        ("quantity", "metrics residuals importances dependence rows"),
    ],
)
@pytest.mark.parametrize("language", ["en", "pt"])
def test_each_kind_of_model_has_its_sections(site, name, sections, language) -> None:
    answer = site.ask(f"/models/{name}/quality?lang={language}")
    assert answer.status_code == 200
    found = re.findall(r'<section class="part" aria-labelledby="([\w-]+)"', answer.text)
    assert found == sections.split()
    assert "style=" not in answer.text
    assert len(answer.get_data()) < 100_000


def test_threshold_and_costs_move_by_the_address_alone(site) -> None:
    half = site.ask("/models/two/quality").text
    moved = site.ask("/models/two/quality?threshold=0.9&cost_fp=7").text
    assert 'value="0.9"' in moved
    assert 'value="7"' in moved
    table = r"<caption>Rows by what they are.*?</table>"
    assert re.search(table, half, re.S)[0] != re.search(table, moved, re.S)[0]  # type: ignore[index]
    assert "from 0 to 1" in site.ask("/models/two/quality?threshold=2").text


def test_a_feature_is_chosen_and_the_other_settings_stay(site) -> None:
    answer = site.ask("/models/two/quality?feature=plan&threshold=0.25").text
    assert '<option value="plan" selected>' in answer
    assert '<input type="hidden" name="threshold" value="0.25">' in answer


@pytest.mark.parametrize("language", ["en", "pt"])
def test_hostile_names_are_words_on_the_page(site, language) -> None:
    page = site.ask(f"/models/hostile/quality?lang={language}").text
    assert_harmless(page, 200_000)
    assert "&lt;script&gt;alert(1)" in page


def test_what_an_address_sets_is_escaped(site) -> None:
    page = site.ask("/models/two/quality?feature=<b>&beside=<script>&threshold=<i>").text
    assert_harmless(page, 100_000)


def test_a_version_that_cannot_be_read_is_said(site) -> None:
    assert "cannot be read" in site.ask("/models/two/quality?beside=nothing").text


@pytest.mark.parametrize("page", ["quality", "data"])
def test_behind_a_key_nothing_is_shown_without_one(tmp_path, page) -> None:
    closed = Site(tmp_path, live("two"), REQUIRE_API_KEY="1")
    without = closed.ask(f"/models/two/{page}")
    assert without.status_code == 401
    assert "comment" not in without.text
    with_key = closed.ask(f"/models/two/{page}", X_API_Key=TOKEN)
    assert with_key.status_code == 200
    assert "comment" in with_key.text


def test_a_model_without_anything_to_draw_says_so(site) -> None:
    answer = site.ask("/models/old/quality")
    assert answer.status_code == 200
    assert "nothing to draw" in answer.text
