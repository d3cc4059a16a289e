"""Comparison: who is at least as good, by a paired bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from learning.comparison import Comparison, compare
from learning.tasks.classification import task


def both(chance):
    chance = np.array(chance, dtype=np.float32)
    return np.column_stack([1 - chance, chance])


def compared(champion, challenger, target, seed) -> Comparison:
    return compare(task.losses(champion, target), task.losses(challenger, target), seed)


RANDOM = np.random.default_rng(0)
TARGET = RANDOM.integers(0, 2, 400)
GOOD = both(np.clip(0.25 + 0.5 * TARGET + RANDOM.normal(0, 0.1, 400), 0.01, 0.99))
BAD = both(RANDOM.random(400) * 0.98 + 0.01)


def test_a_better_challenger_is_at_least_as_good_and_a_worse_one_is_not():
    better = compared(BAD, GOOD, TARGET, 0)
    assert better.at_least_as_good
    assert better.share == 1.0
    assert better.challenger_loss < better.champion_loss
    assert better.interval[0] <= better.difference <= better.interval[1] < 0
    worse = compared(GOOD, BAD, TARGET, 0)
    assert not worse.at_least_as_good
    assert worse.share == 0.0
    assert worse.interval[0] > 0


def test_the_same_model_is_at_least_as_good_as_itself_also_when_rounded():
    assert compared(GOOD, GOOD, TARGET, 0).share == 1.0
    assert compared(GOOD, GOOD + np.float32(1e-7), TARGET, 0).share == 1.0


def test_the_comparison_is_paired_and_the_same_each_time():
    noise = np.float32(0.001) * RANDOM.random((400, 1), dtype=np.float32)
    slightly = GOOD + noise * np.where(TARGET == 1, [[1], [-1]], [[-1], [1]]).T
    found = compared(slightly, GOOD, TARGET, 5)
    # Row by row it is better everywhere, although by less than rows differ among themselves.
    assert found.share == 1.0
    assert found == compared(slightly, GOOD, TARGET, 5)
    assert (found.rows, found.resamples) == (400, 2000)


@pytest.mark.parametrize(("seed", "share"), [(74, 0.49), (59, 0.4995), (28, 0.5), (29, 0.5)])
def test_half_of_the_resamples_are_enough_and_fewer_are_not(seed, share):
    # Neither is better; how the resamples fall is by chance, and these seeds were looked for.
    worse = np.random.default_rng(0).normal(0, 0.1, 30)
    found = compare(np.zeros(30), worse - worse.mean(), seed)
    assert found.share == share
    assert found.at_least_as_good is (share >= 0.5)


@pytest.mark.parametrize(("worse", "share"), [(5e-7, 1.0), (2e-6, 0.0), (-1e-9, 1.0)])
def test_a_loss_that_is_greater_by_rounding_is_not_greater(worse, share):
    assert compare(np.ones(20), np.full(20, 1 + worse), 0).share == share


def test_the_interval_has_95_of_100_resamples():
    worse = np.random.default_rng(1).normal(0.3, 0.2, 400)
    low, high = compare(np.zeros(400), worse, 0).interval
    # Of a mean of many rows the resamples are nearly normal: 1.96 standard errors either way.
    assert high - low == pytest.approx(2 * 1.96 * worse.std() / 20, rel=0.08)


def test_losses_are_named_as_the_task_names_them():
    found = compare(np.array([1.0, 2.0]), np.array([0.5, 1.0]), 0).document("log loss")
    assert list(found)[:3] == ["at_least_as_good", "champion_log_loss", "challenger_log_loss"]
    assert (found["champion_log_loss"], found["challenger_log_loss"]) == (1.5, 0.75)
