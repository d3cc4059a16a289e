"""The page of a model's data: all features, in pages, found by name, and quick when thousands."""

from __future__ import annotations

import re

import pytest

from serving.pages.data import PAGE_SIZE, part_of
from tables.schema import Feature, Schema, Target
from tests.serving.factory import make_live
from tests.serving.pages.harmless import assert_harmless
from tests.serving.pages.site import Site
from tests.serving.pages.versions_made import live, subject

MANY = tuple(Feature(f"column {i}", "number", example=1.0) for i in range(5000))


@pytest.fixture
def site(tmp_path):
    wide = make_live("wide", schema=Schema(MANY, Target("y", (False, True))))
    return Site(tmp_path, live("two"), live("quantity"), live("hostile"), wide)


def test_every_feature_is_there_with_kind_range_and_what_is_missing(site) -> None:
    answer = site.ask("/models/two/data")
    assert answer.status_code == 200
    for feature in subject("two").schema.features:
        assert f"<bdi>{feature.name}</bdi>" in answer.text
    assert "missing in" in answer.text
    assert "PREDICTION_LOG" in answer.text
    assert answer.text.count("<svg") >= 3
    assert "Qualidade" in site.ask("/models/two/data?lang=pt").text


def test_thousands_are_paged_and_found_by_name(site) -> None:
    first = site.ask("/models/wide/data").text
    assert len(re.findall('class="feature"', first)) == PAGE_SIZE
    assert "Features 1 to 50 of 5000" in first
    assert 'href="?page=2#features"' in first
    last = site.ask("/models/wide/data?page=100").text
    assert "<bdi>column 4999</bdi>" in last
    assert "?page=101" not in last
    found = site.ask("/models/wide/data?find=COLUMN+499").text
    assert len(re.findall('class="feature"', found)) == 11
    assert "No feature" in site.ask("/models/wide/data?find=zebra").text


def test_a_model_of_before_shows_what_it_has(site) -> None:
    answer = site.ask("/models/wide/data").text
    assert "carries no distributions" in answer
    assert "number · never missing in training" in answer


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999", "٣", ""])
def test_a_page_that_is_none_is_one_that_there_is(page: str) -> None:
    assert part_of(MANY, "", 10**9).last == 5000
    assert part_of(MANY, "", 0).first == 1
    assert part_of((), "", 1).first == 0


def test_what_was_looked_for_is_escaped(site) -> None:
    answer = site.ask('/models/wide/data?find="><script>').text
    assert "<script>" not in answer
    assert "&gt;&lt;script&gt;" in answer


@pytest.mark.parametrize("language", ["en", "pt"])
def test_hostile_names_are_words_on_the_page(site, language) -> None:
    page = site.ask(f"/models/hostile/data?lang={language}").text
    assert_harmless(page, 100_000)
    assert "⟨202E⟩" in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_model_that_is_none_is_an_error_page(site) -> None:
    assert site.ask("/models/none/data").status_code == 404
