"""The benchmark of explanations: its forest of numbers, its fills, its tables."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import explanations
from benchmarks.explanations import Costs, Ours, rendered, with_fills


def test_missing_values_are_filled_as_the_forests_read_them() -> None:
    rows = np.array([[np.nan, 1.0], [2.0, np.nan]], np.float32)
    assert with_fills(rows, {0: 5.0, 1: 6.0}).tolist() == [[5.0, 1.0], [2.0, 6.0]]
    assert np.isnan(rows[0, 0])


def test_what_is_reached_is_said_with_the_figures() -> None:
    shown = np.ones((explanations.SHOWN, 2))
    ours = [Ours(shown, shown, 0.5, 50e-6)] * 3
    theirs = {"lightgbm": 4e-4, "shap": 5e-4, "shap_background": 4e-3, "version": "1"}
    theirs |= {"path_dependent": shown.tolist(), "background": shown.tolist()}
    text = rendered(Costs(70e-6, 150e-6, 12_000.0, 40e-6), ours, theirs, ["a", "b"])
    assert "at most 120 | 80 | yes" in text
    assert "at least 10000 | 12,000 | yes" in text
    assert "from shap's: 0.0e+00" in text
    assert (
        "shap" not in rendered(Costs(1.0, 2.0, 1.0, 1.0), ours, None, ["a", "b"]).split("|", 1)[1]
    )


def test_the_bounds_are_those_of_the_issue() -> None:
    bounds = (explanations.MOST_MICROSECONDS, explanations.LEAST_ROWS_A_SECOND)
    assert bounds == pytest.approx((120.0, 10_000.0))
