"""Which rows are learnt from, and which are held out."""

from __future__ import annotations

import numpy as np

from tables.dataset import Dataset
from tables.schema_inference import SMALLEST_CLASS


def split(dataset: Dataset, seed: int, fraction: float = 0.2) -> tuple[Dataset, Dataset]:
    """Return training part and hold-out: `fraction` of each class, at least one row, by chance.

    The same dataset and seed give the same rows, in the table's order.
    """
    random = np.random.default_rng(seed)
    held = np.zeros(dataset.rows, dtype=bool)
    for index in range(len(dataset.schema.label.classes)):
        members = np.flatnonzero(dataset.target == index)
        count = max(1, round(fraction * len(members)))
        held[random.permutation(members)[:count]] = True
    return dataset.take(np.flatnonzero(~held)), dataset.take(np.flatnonzero(held))


def sample(dataset: Dataset, rows: int) -> Dataset:
    """Return so many rows with every class in proportion, always the same; or all there are."""
    if dataset.rows <= rows:
        return dataset
    random = np.random.default_rng(0)
    rank = np.empty(dataset.rows)
    for index in np.unique(dataset.target):
        members = np.flatnonzero(dataset.target == index)
        # Each class is taken from by rank within it; its first rows always, to be split again.
        indices = np.arange(len(members)) - (SMALLEST_CLASS - 1)
        rank[random.permutation(members)] = np.maximum(indices, 0) / len(members)
    return dataset.take(np.sort(np.argsort(rank, kind="stable")[:rows]))
