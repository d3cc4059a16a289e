"""Words of drift: what is other is said with both numbers, and chance is not."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.drift_words import of_column, of_loss
from monitoring.harm import Estimate
from tables.schema import Feature
from tables.sketch import Sketch, count, sketch_codes, sketch_numbers

RANDOM = np.random.default_rng(0)
INCOME = RANDOM.normal(100, 20, 5000).round()
INCOME[:100] = np.nan
HOME = Feature("home", "category", categories=("owner", "parents", "rent"))


def said(sketch: Sketch, values: np.ndarray, feature: Feature | None = None) -> list[str]:
    name = feature.name if feature else "income"
    return of_column(name, feature, sketch, count(sketch.cells(values), sketch))


def test_missing_values_are_said_with_both_shares() -> None:
    values = RANDOM.normal(100, 20, 2000).round()
    values[:620] = np.nan
    lines = said(sketch_numbers(INCOME), values)
    assert lines == ["income is missing in 31 % of rows, 2.0 % in training"]


def test_what_is_out_of_range_is_said_with_the_range() -> None:
    values = np.concatenate([RANDOM.normal(100, 20, 900), np.full(100, 900)])
    assert any(
        "is outside 22 to 165 in 10 % of rows" in line
        for line in said(sketch_numbers(INCOME), values)
    )


def test_a_middle_that_moved_is_said() -> None:
    lines = said(sketch_numbers(INCOME), RANDOM.normal(150, 20, 1000))
    assert any(line.startswith("income is 15") for line in lines)
    assert lines[-1].endswith("in the middle, 99 in training")


def test_words_never_seen_and_the_word_that_changed_most_are_said() -> None:
    sketch = sketch_codes(RANDOM.choice(3, 3000, p=[0.6, 0.3, 0.1]), 3)
    values = np.random.default_rng(1).choice([0, 1, 2, -1], 1000, p=[0.3, 0.2, 0.1, 0.4])
    lines = said(sketch, values.astype(np.float32), HOME)
    assert lines[0].startswith("home is none of the values of training in 4")
    assert lines[1].startswith("home is owner in ")
    assert lines[1].endswith("% in training")


def test_chance_is_not_said() -> None:
    sketch = sketch_codes(RANDOM.choice(3, 3000, p=[0.6, 0.3, 0.1]), 3)
    assert said(sketch, RANDOM.choice(3, 500, p=[0.6, 0.3, 0.1]), HOME) == []


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [((0.1, 0.2), "worse"), ((-0.2, -0.1), "better"), ((-0.1, 0.1), "about the same")],
)
def test_a_loss_is_said_beside_the_hold_outs(interval: tuple[float, float], verdict: str) -> None:
    line = of_loss("expected", "log loss", Estimate(0.6, 0.45, interval, 1200))
    assert line.startswith(f"the expected log loss is 0.6, 0.45 on the hold-out: {verdict} (")
    assert line.endswith("1,200 rows)")
