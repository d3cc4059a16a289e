from __future__ import annotations

import json

from benchmarks.offered_load import Answer
from benchmarks.promotion_under_load import Promoter, judge
from persistence.registry import Registry
from persistence.stores.memory import MemoryStore

EXPECTED = {"a": [0.25, 0.5], "b": [0.75, 1.0]}


def answer(version: str, sent: float, probability: float, index: int = 0) -> Answer:
    document = {"prediction": {"probabilities": {"true": probability}}}
    body = json.dumps({**document, "model": {"version": version}}).encode()
    return Answer(index, sent, sent + 0.01, body)


def reigns() -> Promoter:
    """`a` is champion until 5.2, `b` from 5.0 at the earliest until 20.1, then `a` again."""
    promoter = Promoter(Registry(MemoryStore()), ["a", "b"], every=5)
    promoter.promoted += [("b", 5.0, 5.2), ("a", 20.0, 20.1)]
    return promoter


def test_an_answer_of_the_champion_passes_during_and_soon_after_its_reign() -> None:
    given = [answer("a", 1, 0.25), answer("a", 6.2, 0.5, 1), answer("b", 6, 0.75)]
    verdict = judge(given, reigns().reigns, EXPECTED)
    assert verdict.good
    assert verdict.answers == 3
    assert verdict.behind == [0.0, 0.0, 1.0]


def test_an_answer_of_a_version_before_or_long_after_its_reign_is_strange() -> None:
    early, late, unknown = answer("b", 4, 0.75), answer("a", 15.3, 0.25), answer("c", 1, 0.25)
    for strange in (early, late):
        verdict = judge([strange], reigns().reigns, EXPECTED)
        assert (verdict.strange, verdict.mixed, verdict.good) == (1, 0, False)
    assert not judge([unknown], reigns().reigns, EXPECTED).good


def test_a_probability_of_another_version_or_row_is_a_mixture() -> None:
    for mixed in (answer("a", 1, 0.75), answer("a", 1, 0.25, index=1)):
        verdict = judge([mixed], reigns().reigns, EXPECTED)
        assert (verdict.strange, verdict.mixed, verdict.good) == (0, 1, False)
