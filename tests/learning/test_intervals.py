"""Intervals of a quantity."""

from __future__ import annotations

import numpy as np
import pytest

from learning.intervals import MOST_KEPT, LevelError, intervals_of

ONE = np.array([10.0])


@pytest.mark.parametrize(("level", "width"), [(0.5, 5.0), (0.8, 8.0), (0.9, 9.0)])
def test_width_is_the_finite_sample_quantile(level: float, width: float) -> None:
    """Of nine sizes of residuals the rank is ten times the level."""
    intervals = intervals_of(np.arange(1.0, 10.0), np.zeros(9))

    low, high = intervals.bounds(ONE, level)

    assert (low[0], high[0]) == (10 - width, 10 + width)


def test_level_that_the_rows_cannot_hold_is_refused() -> None:
    """Nine rows tell nothing of 95 in a hundred; the text says what they tell of."""
    with pytest.raises(LevelError, match=r"at most 0\.9, by 9 rows"):
        intervals_of(np.arange(1.0, 10.0), np.zeros(9)).bounds(ONE, 0.95)


def test_few_residuals_are_kept_and_no_width_shrinks() -> None:
    """Of many rows a thousand residuals are kept; the width is never less than that of all."""
    sizes = np.random.default_rng(0).exponential(size=12_345)
    intervals = intervals_of(sizes, np.zeros(len(sizes)))
    assert len(intervals.residuals) == MOST_KEPT == 1000

    for level in (0.1, 0.5, 0.9, 0.99, 0.9999):
        exact = np.sort(sizes)[int(np.ceil((len(sizes) + 1) * level)) - 1]
        width = intervals.bounds(ONE, level)[1][0] - 10
        above = np.sort(sizes)[min(len(sizes) - 1, np.searchsorted(np.sort(sizes), exact) + 13)]
        assert exact - 1e-9 <= width <= above + 1e-9


def test_relative_bounds_are_factors() -> None:
    """Residuals of logarithms give bounds that grow with the value, and stay positive."""
    said = np.full(9, 2.0)
    intervals = intervals_of(said * np.exp(np.linspace(0.1, 0.9, 9)), said, relative=True)

    low, high = intervals.bounds(np.array([1.0, 100.0]), 0.5)

    assert high / np.array([1.0, 100.0]) == pytest.approx([np.exp(0.5)] * 2)
    assert low / np.array([1.0, 100.0]) == pytest.approx([np.exp(-0.5)] * 2)


def test_coverage_holds_over_many_draws() -> None:
    """Of 2,000 draws of 50 residuals and one more value, 90 in a hundred are covered."""
    random = np.random.default_rng(0)
    inside = 0
    for _ in range(2000):
        truth = random.standard_t(3, 51)
        low, high = intervals_of(truth[:50], np.zeros(50)).bounds(np.zeros(1), 0.9)
        inside += bool(low[0] <= truth[50] <= high[0])

    assert 0.885 < inside / 2000 < 0.93


def test_metrics_say_coverage_width_and_pinball_loss() -> None:
    """One of four is outside of 9 either way; the pinball loss is that of both ends."""
    intervals = intervals_of(np.arange(1.0, 10.0), np.zeros(9))

    found = intervals.metrics(np.zeros(4), np.array([0.0, 1.0, -9.0, 10.0]))

    assert found["interval"] == {"level": 0.9, "coverage": 0.75, "mean_width": 18.0}
    # 0.05 of what is above the lower end, 0.95 of what is above the upper one; 0.05 of the rest.
    low, high = 0.05 * (9 + 10 + 0 + 19) / 4, (0.05 * (9 + 8 + 18) + 0.95 * 1) / 4
    assert found["pinball_loss"] == pytest.approx((low + high) / 2)


def test_too_few_rows_have_no_metrics() -> None:
    """Eight rows tell nothing of 90 in a hundred."""
    assert intervals_of(np.ones(8), np.zeros(8)).metrics(np.zeros(2), np.zeros(2)) == {}
