"""Which rows are learnt from, and which are held out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tables.dataset import Dataset
from tables.schema_inference import SMALLEST_CLASS


def split(
    dataset: Dataset, seed: int, fraction: float = 0.2, strata: NDArray[np.intp] | None = None
) -> tuple[Dataset, Dataset]:
    """Return training part and hold-out: `fraction` of each stratum, at least one row, by chance.

    A row's stratum is its class, unless others are given. The same dataset and
    seed give the same rows, in the table's order.
    """
    strata = dataset.target if strata is None else strata
    random = np.random.default_rng(seed)
    held = np.zeros(dataset.rows, dtype=bool)
    for index in np.unique(strata):
        members = np.flatnonzero(strata == index)
        count = max(1, round(fraction * len(members)))
        held[random.permutation(members)[:count]] = True
    return dataset.take(np.flatnonzero(~held)), dataset.take(np.flatnonzero(held))


def sample(dataset: Dataset, rows: int, strata: NDArray[np.intp] | None = None) -> Dataset:
    """Return so many rows with every stratum in proportion, always the same; or all there are."""
    if dataset.rows <= rows:
        return dataset
    strata = dataset.target if strata is None else strata
    random = np.random.default_rng(0)
    rank = np.empty(dataset.rows)
    for index in np.unique(strata):
        members = np.flatnonzero(strata == index)
        # Each stratum is drawn from by rank within it; its first rows always, to be split again.
        indices = np.arange(len(members)) - (SMALLEST_CLASS - 1)
        rank[random.permutation(members)] = np.maximum(indices, 0) / len(members)
    return dataset.take(np.sort(np.argsort(rank, kind="stable")[:rows]))
