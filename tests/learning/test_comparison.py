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


@pytest.mark.parametrize(("by", "good"), [(0.002, False), (-0.002, True)])
def test_half_of_the_resamples_is_enough_and_less_is_not(by, good):
    noise = np.random.default_rng(1).normal(size=400)
    difference = noise - noise.mean() + by
    found = compare(np.zeros(400), difference, 0)
    assert 0.45 < found.share < 0.55
    assert found.at_least_as_good is good is (found.share >= 0.5)


def test_losses_are_named_as_the_task_names_them():
    found = compare(np.array([1.0, 2.0]), np.array([0.5, 1.0]), 0).document("log loss")
    assert list(found)[:3] == ["at_least_as_good", "champion_log_loss", "challenger_log_loss"]
    assert (found["champion_log_loss"], found["challenger_log_loss"]) == (1.5, 0.75)
