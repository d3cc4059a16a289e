"""The version beside the champion: the challenger, one that is named, or none."""

from __future__ import annotations

import pytest

from build_model import build_model
from learning.estimators import ready_made
from serving.champions import load_live
from serving.pages.beside import NONE, beside, named
from serving.pages.language import CATALOGUES
from serving.pages.page import Place, Visit
from tests.learning.tables import mixed_table, without
from tests.persistence.artifacts import make_registry
from tests.serving.factory import make_champions

RECIPE = ready_made("two", lambda: without(mixed_table(120), "comment"), "stays", "logistic")


@pytest.fixture(scope="module")
def made():
    """A visit to a champion with a challenger, and both versions."""
    registry = make_registry()
    first = build_model(RECIPE, registry=registry, promote="always")
    second = build_model(RECIPE, registry=registry, seed=1, promote="never")
    live = load_live(registry.read("two", first.version))
    place = Place(make_champions(live), registry, "two", closed=False)
    visit = Visit(place, CATALOGUES["en"], "/models/two/quality", name="two")
    return visit, first.version, second.version


def test_the_challenger_is_beside_unless_another_is_named(made) -> None:
    visit, champion, challenger = made
    found = beside(visit, "")
    assert found.subject is not None
    assert found.subject.version == found.chosen == challenger
    assert found.subject.quality is not None
    assert champion not in [version.version for version in found.versions]
    assert named(visit, found.versions[0]) == f"{challenger} (challenger)"


def test_none_may_be_wanted(made) -> None:
    visit, _, challenger = made
    found = beside(visit, NONE)
    assert found.subject is None
    assert not found.unread
    assert [version.version for version in found.versions] == [challenger]


@pytest.mark.parametrize("version", ["20200101t000000z-abcdef", "../../etc", "<b>", "x" * 900])
def test_a_version_that_is_none_is_not_read(made, version: str) -> None:
    found = beside(made[0], version)
    assert found.unread
    assert found.chosen == NONE
