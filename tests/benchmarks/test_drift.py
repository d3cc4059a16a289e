"""The simulation of drift: its traffic is the watch's own, and its changes cost what they say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import drift
from benchmarks.drift import (
    KINDS,
    QUESTIONS,
    Case,
    Found,
    auc_of,
    dosed,
    false_alarms,
    find,
    found_line,
    quiet_line,
    standard_error,
    two_classes,
)


@pytest.fixture(scope="module")
def case() -> Case:
    return two_classes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_costs_five_points_of_auc(case: Case, kind: str) -> None:
    rows, lost = dosed(case, kind, np.random.default_rng(0))
    assert lost == pytest.approx(0.05, abs=0.005)
    assert auc_of(case.runtime, case.pool) - auc_of(case.runtime, rows) == pytest.approx(lost)


def test_missing_values_are_found_at_once_and_swapped_outcomes_by_labels_alone(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "UNLABELLED", 2500)
    missing, swapped = (
        find(case, kind, 10, np.random.default_rng(0))
        for kind in ("a column goes missing", "outcomes are swapped")
    )
    assert np.median(missing.rows["inputs"]) <= 200
    assert np.isinf(swapped.rows["inputs"]).mean() >= 0.8
    assert np.isfinite(swapped.rows["labels"]).mean() >= 0.3


def test_weeks_without_a_change_are_quiet(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "SIDE_BY_SIDE", 10)
    monkeypatch.setattr(drift, "ROW_OF_WEEKS", 1)
    found = false_alarms(case, 10, np.random.default_rng(0))
    assert set(found) == set(QUESTIONS)
    assert sum(found.values()) <= 2


def test_the_error_of_an_auc_is_that_of_hanley_and_mcneil(case: Case) -> None:
    # Both sides alike: the error of one, times the root of two.
    error = standard_error(case, drift.LABELLED) / np.sqrt(2)
    assert 0.012 < error < 0.018


def test_lines_say_what_was_found() -> None:
    alarms = dict.fromkeys(QUESTIONS, 0) | {"inputs": 2}
    assert quiet_line("a table", 104, alarms) == [
        *("a table", "104", "2", "0", "0", "0", "0", "2", "1.00")
    ]
    rows = {name: np.array([np.inf, np.inf, 40.0]) for name in QUESTIONS}
    rows["labels"] = np.array([20.0, 900.0, 1200.0])
    line = found_line(Found("credit (13 columns)", "swapped", 0.83, 0.05, 2.5, rows))
    assert line == [
        *("credit: swapped", "0.830", "0.050", "2.5", "-", "-", "-", "900", "-", "33%", "100%")
    ]
