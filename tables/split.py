"""Which rows are learnt from, and which are held out."""

from __future__ import annotations

import numpy as np

from tables.dataset import Dataset
from tables.strata import held_out, sampled


def split(dataset: Dataset, seed: int, fraction: float = 0.2) -> tuple[Dataset, Dataset]:
    """Return training part and hold-out: `fraction` of each class, at least one row, by chance.

    The same dataset and seed give the same rows, in the table's order.
    """
    held = held_out(dataset.target, seed, fraction)
    return dataset.take(np.flatnonzero(~held)), dataset.take(np.flatnonzero(held))


def sample(dataset: Dataset, rows: int) -> Dataset:
    """Return so many rows with every class in proportion, always the same; or all there are."""
    return dataset if dataset.rows <= rows else dataset.take(sampled(dataset.target, rows))
