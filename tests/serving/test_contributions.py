"""Contributions to the score of a class: which class, which sign, how many rows."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from errors import TooManyRows
from learning.explaining.explainer import Explainer
from serving import contributions
from serving.champions import Live
from serving.contributions import Contributions, contributions_of
from serving.refusals import RequestError
from tests.serving.explained import live_of, rows_of


def found_of(live: Live, target: str, of: str | None = None) -> Contributions:
    batch = live.codec.encode_objects(rows_of(target))
    return contributions_of(live, batch, live.predict(batch), of)


def test_the_first_of_two_classes_is_the_other_way_round():
    live = live_of()
    second, first = found_of(live, "stays"), found_of(live, "stays", "no")
    assert list(second.classes) == ["yes"] * 3
    assert list(first.classes) == ["no"] * 3
    assert np.array_equal(first.values, -second.values)
    assert first.baselines == [-baseline for baseline in second.baselines]


def test_the_words_are_signed_as_the_contributions_are():
    live = live_of("stays", "logistic")
    (second, *_), (first, *_) = found_of(live, "stays").words, found_of(live, "stays", "no").words
    assert first == {f: {t: -v for t, v in own.items()} for f, own in second.items()}
    assert first


def test_a_class_that_is_none_is_refused_with_those_there_are():
    with pytest.raises(RequestError, match="explain_class: expected one of no, yes"):
        found_of(live_of(), "stays", "maybe")
    with pytest.raises(RequestError, match="a quantity has no classes"):
        found_of(live_of("age"), "age", "no")


def test_no_more_rows_are_explained_than_it_takes_seconds(monkeypatch):
    monkeypatch.setattr(contributions, "MOST_SLOW_ROWS", 2)
    live = live_of()
    slow = replace(live, explainer=cast("Explainer", _Slow()))
    assert len(found_of(live, "stays").values) == 3
    with pytest.raises(TooManyRows, match="at most 2 are taken at once with explanations"):
        found_of(slow, "stays")


def test_the_longer_a_row_takes_the_fewer_are_explained_at_once():
    assert contributions.MOST_WORK == 300_000_000
    heavy = replace(live_of(), explainer=cast("Explainer", _Slow(work=150_000_000)))
    with pytest.raises(TooManyRows, match="at most 2 are taken at once with explanations"):
        found_of(heavy, "stays")
    heaviest = replace(live_of(), explainer=cast("Explainer", _Slow(work=10**12)))
    with pytest.raises(TooManyRows, match="at most 1 "):
        found_of(heaviest, "stays")


class _Slow:
    quick = False

    def __init__(self, work: int = 1) -> None:
        self.work = work
