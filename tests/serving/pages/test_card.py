"""The model card as one file: it has everything, asks for nothing, and no name harms it."""

from __future__ import annotations

import re

import pytest

from serving.pages.card import MOST_FEATURES, card_html, card_of
from serving.pages.language import CATALOGUES
from tests.serving.pages.harmless import assert_harmless
from tests.serving.pages.versions_made import artifact

EN, PT = CATALOGUES["en"], CATALOGUES["pt"]


def test_a_card_has_quality_and_data_of_the_version() -> None:
    found = card_of(artifact("two"), EN)
    assert found.title == "Model card: two"
    assert artifact("two").manifest.version in found.said[0]
    assert artifact("two").sha256 in [row[1] for row in found.facts.rows]
    assert [section.key for section in found.quality][:2] == ["metrics", "threshold"]
    assert all(section.form is None for section in found.quality)
    assert len(found.features) == len(artifact("two").schema.features) <= MOST_FEATURES


@pytest.mark.parametrize("kind", ["two", "many", "quantity"])
def test_the_file_asks_for_nothing(kind: str) -> None:
    page = card_html(artifact(kind), PT)
    assert page.lstrip().startswith("<!doctype html>")
    assert 'lang="pt-BR"' in page
    assert not re.search(r"<(link|script|img|iframe|form|input|button)\b", page)
    assert not re.search(r"url\(|@import|https?:", page)
    assert "default-src 'none'" in page
    assert "--accent" in page


def test_the_same_version_has_the_same_card() -> None:
    assert card_html(artifact("two"), EN) == card_html(artifact("two"), EN)


@pytest.mark.parametrize("words", [EN, PT], ids=["en", "pt"])
def test_hostile_names_are_words_on_a_card(words) -> None:
    page = card_html(artifact("hostile"), words)
    assert_harmless(page, 250_000)
    assert "&lt;script&gt;alert(1)" in page
    assert "⟨202E⟩" in page
