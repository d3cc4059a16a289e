from __future__ import annotations

from benchmarks.quality import LEARNERS, OTHERS, render
from benchmarks.quality_others import LEARNERS as MADE
from benchmarks.quality_scores import Score
from benchmarks.quality_tables import TABLES


def test_every_other_learner_is_made_somewhere() -> None:
    assert set(OTHERS) == set(MADE)


def test_a_table_that_is_lost_is_shown_and_one_not_measured_is_a_dash() -> None:
    first, second = TABLES[0].name, TABLES[1].name
    scores = {
        (first, 0, "auto"): Score(0.5, 1, 1),
        (first, 0, "forest"): Score(0.4, 1, 1),
        (second, 0, "auto"): Score(0.5, 1, 1),
        (second, 1, "auto"): Score(0.7, 1, 1),
        (second, 0, "forest"): Score(0.9, 1, 1),
    }
    text = render(scores, TABLES[:2], list(LEARNERS), 60)
    assert f"| {first} | log loss | 0.5000 | **0.4000** | - |" in text
    assert f"| {second} | log loss | **0.6000** | (0.9000) | - |" in text
