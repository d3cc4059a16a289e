"""Traffic beside training: reports of the right version, and counts by the bars of training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import StoreUnavailable
from learning.histograms import Histogram
from serving.pages.traffic import Days, Watched, shares_by_bar, traffic_of
from tables.sketch import count, sketch_codes, sketch_numbers
from tests.serving.pages.versions_made import subject

NAMES = ["age", "plan"]


def watched(report: dict[str, Any] | None, days: Days | None = None) -> Watched:
    return Watched(lambda name: report, lambda name: days)


def report(**more: Any) -> dict[str, Any]:
    columns = [{"name": "age", "alarm": True, "rows": 5}]
    return {"version": subject("two").version, "inputs": {"columns": columns}, **more}


def unreadable(name: str) -> Any:
    raise StoreUnavailable("away")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (None, "drift_none"),
        (watched(None), "drift_no_report"),
        (watched({"version": "another", "inputs": {}}), "drift_of_another"),
        (watched({"version": subject("two").version}), "drift_profile_none"),
        (Watched(unreadable, unreadable), "drift_away"),
    ],
)
def test_where_there_is_no_report_it_says_why(source: Watched | None, why: str) -> None:
    found = traffic_of(subject("two"), source, NAMES)
    assert (found.report, found.why) == (None, why)
    assert found.column("age") == {}


def test_days_are_added_up_and_the_last_one_stands_alone() -> None:
    days = {
        "2026-11-24": {"in.age": [1, 0, 5, 0], "in.plan": [0, 0, 2, 0]},
        "2026-11-25": {"in.age": [0, 2, 1, 1]},
    }
    found = traffic_of(subject("two"), watched(report(), (subject("two").version, days)), NAMES)
    assert found.week["age"].tolist() == [1, 2, 6, 1]
    assert found.day["age"].tolist() == [0, 2, 1, 1]
    assert "plan" in found.week
    assert "plan" not in found.day
    assert found.column("age")["alarm"]


def test_days_of_another_version_or_of_other_cells_are_not_drawn() -> None:
    assert traffic_of(subject("two"), watched(report(), ("another", {})), NAMES).week == {}
    days = {"a": {"in.age": [1]}, "b": {"in.age": [1, 2]}}
    found = traffic_of(subject("two"), watched(report(), (subject("two").version, days)), NAMES)
    assert found.week == {}
    assert found.day["age"].tolist() == [1, 2]


def test_numbers_are_spread_over_the_bars_of_training() -> None:
    random = np.random.default_rng(0)
    training = random.uniform(0, 100, 5000)
    sketch = sketch_numbers(training)
    histogram = Histogram(0, (250,) * 20, low=0.0, high=100.0)
    same = shares_by_bar(histogram, sketch, count(sketch.cells(training), sketch))
    assert sum(same) == pytest.approx(1)
    assert max(abs(share - 0.05) for share in same) < 0.01
    higher = np.concatenate([np.full(30, 500.0), np.full(70, 98.0), [np.nan] * 9])
    moved = shares_by_bar(histogram, sketch, count(sketch.cells(higher), sketch))
    assert moved[-1] == pytest.approx(1, abs=0.02)


def test_traffic_like_training_has_training_s_bars_also_where_values_repeat() -> None:
    training = np.repeat([35.0, 45, 60, 75, 90, 105], [40, 20, 15, 10, 10, 5])
    training = np.concatenate([training, np.linspace(36, 104, 30)])
    sketch = sketch_numbers(training)
    bars = np.histogram(training, 20, (35, 105))[0]
    histogram = Histogram(0, tuple(bars.tolist()), low=35, high=105)
    found = shares_by_bar(histogram, sketch, count(sketch.cells(training), sketch))
    assert found == pytest.approx((bars / len(training)).tolist())


def test_single_values_and_codes_have_their_own_bars() -> None:
    sketch = sketch_numbers(np.array([1, 1, 2, 5]))
    histogram = Histogram(0, (2, 1, 1), values=(1, 2, 5))
    counts = count(sketch.cells(np.array([1, 5, 5, 5])), sketch)
    assert shares_by_bar(histogram, sketch, counts) == [0.25, 0, 0.75]
    codes = sketch_codes(np.array([0, 0, 1, 1, 2, 2]), 3)
    histogram = Histogram(0, (2, 2, 2), values=(0, 1, 2))
    counts = count(codes.cells(np.array([2, 2, 1, -1])), codes)
    assert shares_by_bar(histogram, codes, counts) == [0, 0.25, 0.5]
