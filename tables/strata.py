"""Rows of every class in proportion, by index: what a hold-out and a sample are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Fewer rows of a class cannot be split into hold-out and folds.
SMALLEST_CLASS = 5


def held_out(target: NDArray[np.intp], seed: int, fraction: float) -> NDArray[np.bool_]:
    """Return which rows are held out: `fraction` of each class, at least one row, by chance."""
    order = drawn(target, np.random.default_rng(seed))
    held = np.zeros(len(target), dtype=bool)
    for index in np.unique(target):
        members = np.flatnonzero(target == index)
        count = max(1, round(fraction * len(members)))
        held[members] = order[members] < count / len(members)
    return held


def drawn(target: NDArray[np.intp], random: np.random.Generator) -> NDArray[np.float64]:
    """Return an order by chance: each row's place among its class, from 0 up to 1."""
    order = np.empty(len(target))
    for index in np.unique(target):
        members = np.flatnonzero(target == index)
        order[random.permutation(members)] = np.arange(len(members)) / len(members)
    return order


def sampled(target: NDArray[np.intp], rows: int) -> NDArray[np.intp]:
    """Return the indices of so many rows, sorted, with every class in proportion; always the same.

    The first rows of each class are among them, so that the sample can be split again.
    """
    if len(target) <= rows:
        return np.arange(len(target))
    random = np.random.default_rng(0)
    rank = np.empty(len(target))
    for index in np.unique(target):
        members = np.flatnonzero(target == index)
        indices = np.arange(len(members)) - (SMALLEST_CLASS - 1)
        rank[random.permutation(members)] = np.maximum(indices, 0) / len(members)
    return np.sort(np.argsort(rank, kind="stable")[:rows])
