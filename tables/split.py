"""Which rows are learnt from, and which are held out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tables.dataset import Dataset
from tables.strata import held_out, sampled


def split(
    dataset: Dataset, seed: int, fraction: float = 0.2, strata: NDArray[np.intp] | None = None
) -> tuple[Dataset, Dataset]:
    """Return training part and hold-out: `fraction` of each stratum, at least one row, by chance.

    A row's stratum is its class, unless others are given. The same dataset and
    seed give the same rows, in the table's order.
    """
    held = held_out(dataset.target if strata is None else strata, seed, fraction)
    return dataset.take(np.flatnonzero(~held)), dataset.take(np.flatnonzero(held))


def sample(dataset: Dataset, rows: int, strata: NDArray[np.intp] | None = None) -> Dataset:
    """Return so many rows with every stratum in proportion, always the same; or all there are."""
    if dataset.rows <= rows:
        return dataset
    return dataset.take(sampled(dataset.target if strata is None else strata, rows))
