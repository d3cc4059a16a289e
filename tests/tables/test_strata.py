"""Rows of every class in proportion."""

from __future__ import annotations

import numpy as np

from tables.strata import SMALLEST_CLASS, held_out, sampled

TARGET = np.repeat(np.array([0, 1], dtype=np.intp), (95, 5))


def test_a_share_of_every_class_is_held_out_and_at_least_one_row():
    held = held_out(TARGET, seed=3, fraction=0.2)
    assert np.bincount(TARGET[held]).tolist() == [19, 1]
    assert np.bincount(TARGET[held_out(TARGET, 3, 0.01)]).tolist() == [1, 1]
    assert (held == held_out(TARGET, seed=3, fraction=0.2)).all()


def test_a_sample_keeps_enough_of_a_small_class_to_split_it_again():
    assert SMALLEST_CLASS == 5
    assert np.bincount(TARGET[sampled(TARGET, 20)]).tolist() == [15, 5]
    assert sampled(TARGET, 100).tolist() == list(range(100))
