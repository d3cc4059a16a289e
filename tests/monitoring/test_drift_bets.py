"""Bets: fair where nothing changed, and soon rich where something did."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.drift_bets import (
    HOURS_A_YEAR,
    Bets,
    Course,
    advance,
    course_of,
    gather,
    one_sided,
    two_sided,
    widths_of,
)

TRAINING = np.array([0.0, 20.0, 300.0, 280.0, 310.0, 90.0])
SHARES = TRAINING / TRAINING.sum()


def bets_of(totals: np.ndarray, kind: str) -> Bets:
    widths = widths_of(totals)
    return two_sided(widths) if kind == "two" else one_sided(widths)


@pytest.mark.parametrize("kind", ["two", "one"])
def test_every_fixed_bet_is_fair(kind: str) -> None:
    widths = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.25, 0.25, 0.0]])
    bets = two_sided(widths) if kind == "two" else one_sided(widths)
    np.testing.assert_allclose((np.exp(bets.factors) * widths[:, None, :]).sum(axis=-1), 1)
    assert np.isfinite(bets.factors).all()


def test_what_is_staked_is_gathered_by_the_hour_and_gone_after_an_alarm() -> None:
    evidence, stakes = np.array([[10.0, 20.0], [0.0, 0.0]]), np.array([0.5, 0.5])
    after, alarms = gather(evidence, np.log([[2.0, 1.0]]), 1.0, np.array([21.0, 2.0]), stakes)
    assert alarms.tolist() == [True, False]
    assert after.tolist() == [[0.0, 0.0], [2.0, 1.0]]


def test_a_factor_too_large_for_a_float_is_an_alarm_and_no_warning() -> None:
    evidence, stakes = np.array([0.0]), np.array([1.0])
    for hours in (0.0, 1.0):
        after, alarms = gather(evidence, np.array([1e6]), hours, np.array(9.0), stakes)
        assert (after.tolist(), bool(alarms)) == ([0.0], hours > 0)


def run(
    shares: np.ndarray, kind: str, hours: int, runs: int, seed: int, threshold: float
) -> tuple[np.ndarray, Course]:
    """Return the alarms of each run by hour `[runs, hours]`, of ten rows an hour."""
    random = np.random.default_rng(seed)
    totals = random.multinomial(1000, SHARES, size=runs).astype(np.float64)
    bets = bets_of(TRAINING, kind)  # any bins do
    course, found = course_of(totals, bets), []
    for _ in range(hours):
        groups = random.choice(len(shares), (runs, 10), p=shares)
        uniform = random.random(groups.shape)
        course, alarms = advance(course, bets, groups, uniform, 1.0, np.full(runs, threshold))
        found.append(alarms)
    return np.stack(found, axis=-1), course


@pytest.mark.parametrize("kind", ["two", "one"])
def test_of_hours_without_a_change_no_more_end_in_an_alarm_than_the_threshold_allows(
    kind: str,
) -> None:
    alarms, _ = run(SHARES, kind, hours=200, runs=500, seed=0, threshold=200)
    # 100,000 hours may have 500 alarms of evidence over 200; bets that are not fair have more.
    assert 20 < alarms.sum() < 500


def test_evidence_less_hours_is_a_fair_game() -> None:
    _, course = run(SHARES, "one", hours=4, runs=4000, seed=1, threshold=np.inf)
    # Means of the boldest bets are of a few lucky runs.
    assert course.evidence[:, [0, 1, 3]].mean(axis=0) == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize(
    ("shares", "within"),
    [
        ([0.0, 0.31, 0.2, 0.2, 0.2, 0.09], 15),  # missing values
        ([0.1, 0.02, 0.25, 0.25, 0.3, 0.08], 40),  # never seen
        ([0.0, 0.02, 0.2, 0.25, 0.33, 0.2], 90),  # a shift
    ],
)
def test_a_change_is_found(shares: list[float], within: int) -> None:
    alarms, _ = run(
        np.array(shares), "two", hours=within, runs=50, seed=2, threshold=52 * HOURS_A_YEAR
    )
    assert alarms.any(axis=-1).mean() >= 0.9


def test_bets_on_worse_do_not_find_better() -> None:
    worse = np.array([0.0, 0.02, 0.2, 0.25, 0.33, 0.2])
    better = np.array([0.0, 0.1, 0.45, 0.2, 0.2, 0.05])
    assert run(worse, "one", 60, 50, 3, 4 * HOURS_A_YEAR)[0].any(axis=-1).mean() >= 0.9
    assert not run(better, "one", 60, 50, 3, 4 * HOURS_A_YEAR)[0].any()


def test_bins_end_with_groups_and_are_narrow_at_both_ends() -> None:
    widths = widths_of(np.array([0.0, 20, 480, 500]))
    edges = np.cumsum(widths)
    assert edges[-1] == pytest.approx(1)
    assert np.abs(edges - 500 / 1000).min() < 1e-3
    assert widths.min() >= 2**-11
    assert max(widths[0], widths[-1]) <= 2**-10
    assert widths_of(np.array([1.0, 1.0]), ladder=np.array([])).tolist() == [0.5, 0.5]


def test_looking_more_often_raises_no_more_alarms() -> None:
    random = np.random.default_rng(4)
    totals = random.multinomial(1000, SHARES, size=300).astype(np.float64)
    bets, threshold = bets_of(TRAINING, "two"), np.full(300, 50.0)
    found = {}
    for looks in (1, 10):
        course, found[looks] = course_of(totals, bets), 0
        for _ in range(100):
            groups = random.choice(len(SHARES), (300, 10), p=SHARES)
            for part in np.split(groups, looks, axis=-1):
                uniform = random.random(part.shape)
                course, alarms = advance(course, bets, part, uniform, 1 / looks, threshold)
                found[looks] += int(alarms.sum())
    assert max(found.values()) <= 300 * 100 / 50
