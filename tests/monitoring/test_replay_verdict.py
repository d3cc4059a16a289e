"""The rule by which a replay counts, and its words."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from errors import StoreUnavailable
from learning.comparison import compare
from monitoring.replay import Contestant, Found
from monitoring.replay_slices import Slice
from monitoring.replay_verdict import FEWEST_ROWS, RULE, counts, forbids, in_words, told, weigh
from persistence.aliases import Alias
from persistence.promotion import Verdict
from tests.serving.factory import SIGNATURE, Sum

CHALLENGER = Contestant("v2", SIGNATURE, Sum(), {})
ALIAS = Alias("credit", "champion", "v1", "0" * 64, 1, "2026-11-25T00:00:00Z")
GOOD = Verdict(True, "at least as good", None, ALIAS)


def found(rows: int, worse_by: float, **members: Any) -> Found:
    before = np.random.default_rng(0).uniform(0, 1, rows)
    comparison = compare(before, before + worse_by, 0) if rows else None
    whole = Found(
        champion="v1",
        challenger="v2",
        loss_name="log loss",
        rows=1000,
        skipped=0,
        fields=(),
        changed=40,
        difference={"mean": 0.05, "median": 0.01, "of_19_in_20_at_most": 0.2, "largest": 0.6},
        slices=(Slice("income", "missing", 300, 40, 0.11),),
        learnt=0,
        comparison=comparison,
    )
    return whole._replace(**members)


class Replayed:
    """Gives one replay, or fails."""

    def __init__(self, answer: Found | Exception) -> None:
        self._answer = answer

    def of(self, name: str, challenger: Contestant) -> Found:
        """Return it."""
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def weighed(answer: Found | Exception, rule: Any = "if_better", verdict: Verdict = GOOD) -> Verdict:
    return weigh(verdict, rule, cast(Any, Replayed(answer)), "credit", CHALLENGER)


def test_a_replay_counts_from_two_hundred_rows_on() -> None:
    assert FEWEST_ROWS == 200
    assert "200 rows" in RULE
    assert (counts(found(199, 0.5)), forbids(found(199, 0.5))) == (False, False)
    assert (counts(found(200, 0.5)), forbids(found(200, 0.5))) == (True, True)
    assert (counts(found(200, -0.5)), forbids(found(200, -0.5))) == (True, False)
    assert counts(found(0, 0.0)) is False


def test_one_that_is_worse_on_what_came_true_is_not_promoted() -> None:
    verdict = weighed(found(300, 0.5))
    assert verdict.good is False
    assert "on 300 replayed rows whose truth is known: worse" in verdict.reason
    assert verdict.replay is not None
    assert (verdict.replay["counts"], verdict.replay["worse"]) == (True, True)


@pytest.mark.parametrize("answer", [found(300, -0.5), found(300, 0.0), found(100, 0.5)])
def test_otherwise_the_hold_out_decides(answer: Found) -> None:
    assert weighed(answer).good is True
    assert weighed(answer, verdict=GOOD._replace(good=False)).good is False


def test_too_few_rows_are_said_to_be_too_few() -> None:
    assert "fewer than 200, so that the hold-out decides alone" in weighed(found(100, 0.5)).reason
    assert "of no row the truth is known" in weighed(found(0, 0)).reason


def test_a_replay_that_cannot_be_made_is_told_and_forbids_nothing() -> None:
    verdict = weighed(StoreUnavailable("the store cannot be reached"))
    assert verdict == GOOD._replace(
        reason="at least as good; not replayed: the store cannot be reached"
    )
    nothing = found(0, 0)._replace(rows=0, skipped=70, fields=("email", "salary"))
    (said,) = in_words(nothing)
    assert "70 rows are logged without email, salary (left out or hashed)" in said
    assert in_words(nothing._replace(skipped=0)) == [
        "the replay cannot be made: no rows are logged"
    ]


def test_nobody_asks_for_one_but_if_better_over_a_champion() -> None:
    worse = found(300, 0.5)
    assert weighed(worse, "always") == GOOD
    assert weighed(worse, verdict=Verdict(True, "there was no champion")).good is True
    assert weigh(GOOD, "if_better", None, "credit", CHALLENGER) == GOOD


def test_the_words_say_how_many_where_and_what_was_left_out() -> None:
    said = in_words(found(300, 0.0, skipped=5, fields=("email",), learnt=7))
    assert said[0].startswith("40 of 1,000 answers change (4.0%)")
    assert said[1] == "most where income is missing: 0.11 on average, 40 of 300 change"
    assert "5 more rows are logged without email" in said[2]
    assert "beside 7 that one of the two has learnt" in said[3]
    document = told(found(300, 0.0))
    assert document["said"][0] == said[0]
    assert document["rule"] == RULE
