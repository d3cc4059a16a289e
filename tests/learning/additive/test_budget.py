"""The seconds that a learner may take."""

from __future__ import annotations

from learning.additive.budget import Budget
from learning.processors import SMALL


def test_what_is_left_is_shared_by_the_fits_to_come():
    now = [0.0]
    budget = Budget(60, 4, lambda: now[0])
    budget.fits = 3
    first = budget.share()
    assert first == 20.0
    now[0] = 5.0
    assert not budget.over(first)
    second = budget.share()
    assert second == 5.0 + 55.0 / 2
    now[0] = 33.0
    assert budget.over(second)
    assert budget.ended_one
    assert budget.share() == 60.0
    now[0] = 70.0
    assert budget.left == 0.0


def test_small_fits_use_one_thread():
    budget = Budget(60, 4)
    assert budget.threads(SMALL - 1) == 1
    assert budget.threads(SMALL) == 4
