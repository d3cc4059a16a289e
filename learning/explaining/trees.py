"""What each feature contributes to a forest's score: by tables, or where those are too large, by
going through the leaves.

Both are exact, and both are NumPy alone. With tables, a row is a matter of look-ups: the bin of
each column says which conditions of each leaf hold, those bits are a pattern, and the pattern
is the place in the table of each condition.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from learning.explaining.paths import Bins, Doubles, Paths, products
from learning.explaining.shapley import chances, nodes, tables

# A leaf of more conditions has no table: it would have more than so many patterns.
MOST_CONDITIONS = 8
# Of all tables, and of the bits by bin and leaf.
MOST_BYTES = 32_000_000
# No rate is 0: a leaf that no row came to is met by none either.
SMALLEST = 1e-12


class Trees(Protocol):
    """What a forest's trees contribute to one score."""

    quick: bool
    baseline: float

    def row(self, row: list[float]) -> Doubles:
        """Return what each feature contributes `[features]`, of a row of the matrix."""
        ...


def trees_of(paths: Paths, features: int) -> Trees:
    """Return the quickest way to explain the trees of one score."""
    conditions = np.diff(paths.starts)
    sizes = int((conditions * (1 << np.minimum(conditions, 30).astype(np.int64))).sum()) * 4
    if paths.most <= MOST_CONDITIONS and sizes <= MOST_BYTES:
        return TableTrees(paths, features)
    return LeafTrees(paths, features)


class Tests:
    """Which tests hold for a row, whose bins are known."""

    def __init__(self, paths: Paths) -> None:
        self.bins = Bins(paths)
        place = {column: index for index, column in enumerate(self.bins.used)}
        starts = np.array([self.bins.starts[c] for c in paths.columns.tolist()], np.int64)
        sizes = np.array([len(paths.edges[c]) for c in paths.columns.tolist()], np.int64)
        self._places = np.array([place[c] for c in paths.columns.tolist()], np.intp)
        self._low, self._high = starts + paths.low, starts + paths.high
        self._absent = starts + sizes + 1
        self._inside, self._missing = paths.inside, paths.missing

    def hold(self, bins: list[int]) -> NDArray[np.bool_]:
        """Return whether each test holds `[T]`."""
        found = np.array(bins, np.int64)[self._places]
        within = ((found >= self._low) & (found < self._high)) == self._inside
        return np.where(found == self._absent, self._missing, within)


class LeafTrees:
    """Leaves one and all, for paths of any length: the product of conditions, at a few points."""

    quick = False

    def __init__(self, paths: Paths, features: int) -> None:
        self._tests = Tests(paths)
        self._features = features
        self._values, self._leaves = paths.values, paths.leaves
        self._rates = np.maximum(paths.rates, SMALLEST)
        self._starts, self._owners = paths.starts, paths.owners
        self._nodes = list(zip(*(a.tolist() for a in nodes(paths.most)), strict=True))
        # Conditions have at least one test, and tests stand in the order of the conditions.
        self._first = np.searchsorted(paths.conditions, np.arange(len(paths.owners)))
        self.baseline = paths.baseline()

    def row(self, row: list[float]) -> Doubles:
        """Return what each feature contributes `[features]`, of a row of the matrix."""
        if not len(self._owners):
            return np.zeros(self._features)
        holds = self._tests.hold(self._tests.bins.of_row(row))
        by_row = np.logical_and.reduceat(holds, self._first).astype(np.float64)
        found = np.zeros(len(self._owners))
        for at, weight in self._nodes:
            factors = at * by_row + (1.0 - at) * self._rates
            found += weight * products(factors, self._starts)[self._leaves] / factors
        found *= (by_row - self._rates) * self._values[self._leaves]
        return np.asarray(np.bincount(self._owners, found, self._features), np.float64)


class TableTrees:
    """Short paths: for each condition a table of what it contributes, by pattern of its leaf."""

    quick = True

    def __init__(self, paths: Paths, features: int) -> None:
        self._tests = Tests(paths)
        self._bins = self._tests.bins
        self._features = features
        order = np.argsort(paths.owners, kind="stable")
        self._leaves = paths.leaves[order].astype(np.intp)
        self._tables, base = _laid_out(paths, order)
        self._base = base
        owners = paths.owners[order]
        self._firsts = np.flatnonzero(np.diff(owners, prepend=-1))
        self._present = owners[self._firsts]
        places = np.arange(len(paths.owners)) - paths.starts[:-1][paths.leaves]
        self._bits = (1 << places[paths.conditions]).astype(np.uint8)
        self._full = ((1 << np.diff(paths.starts)) - 1).astype(np.uint8)
        self._test_leaves = paths.leaves[paths.conditions]
        self._masks = self._by_bin(paths)
        self.baseline = paths.baseline()

    def row(self, row: list[float]) -> Doubles:
        """Return what each feature contributes `[features]`, of a row of the matrix."""
        found = np.zeros(self._features)
        if not len(self._present):
            return found
        pattern = self._pattern(self._bins.of_row(row))
        places = self._base + pattern.take(self._leaves)
        found[self._present] = np.add.reduceat(self._tables.take(places), self._firsts)
        return found

    def _pattern(self, bins: list[int]) -> NDArray[np.uint8]:
        """Return which conditions of each leaf hold, as bits `[L]`."""
        if self._masks is not None:
            return np.asarray(np.bitwise_and.reduce(self._masks.take(bins, 0), axis=0))
        fail = ~self._tests.hold(bins)
        pattern = self._full.copy()
        np.bitwise_and.at(pattern, self._test_leaves[fail], ~self._bits[fail])
        return pattern

    def _by_bin(self, paths: Paths) -> NDArray[np.uint8] | None:
        """Return what is left of each leaf's bits by each bin of each column `[bins, L]`."""
        total, leaves = self._bins.total, len(self._full)
        if total * leaves > MOST_BYTES:
            return None
        masks = np.tile(self._full, (total, 1))
        for column in self._bins.used:
            tests = np.flatnonzero(paths.columns == column)
            size, start = len(paths.edges[column]) + 1, self._bins.starts[column]
            bins = np.arange(size)[:, np.newaxis]
            within = (bins >= paths.low[tests]) & (bins < paths.high[tests])
            holds = np.vstack([within == paths.inside[tests], paths.missing[tests]])
            cleared = np.where(holds, 255, ~self._bits[tests]).astype(np.uint8)
            _clear(masks[start : start + size + 1], cleared, self._test_leaves[tests])
        return masks


def _clear(masks: NDArray[np.uint8], cleared: NDArray[np.uint8], leaves: Any) -> None:
    """Take away the bits of each test from its leaf's, in place; a leaf's tests are neighbours."""
    firsts = np.flatnonzero(np.diff(leaves, prepend=-1))
    masks[:, leaves[firsts]] &= np.bitwise_and.reduceat(cleared, firsts, axis=1)


def _laid_out(paths: Paths, order: NDArray[np.intp]) -> tuple[Doubles, NDArray[np.intp]]:
    """Return the tables end to end, in an order of the conditions, and where each begins."""
    counts = np.diff(paths.starts)
    sizes = (1 << counts)[paths.leaves][order].astype(np.intp)
    base = np.cumsum(sizes) - sizes
    where = np.empty_like(base)
    where[order] = base
    found = np.empty(int(sizes.sum()))
    for count in np.unique(counts[counts > 0]).tolist():
        leaves = np.flatnonzero(counts == count)
        conditions = paths.starts[leaves][:, np.newaxis] + np.arange(count)
        made = tables(paths.values[leaves], chances(paths.rates[conditions]))
        places = where[conditions][:, :, np.newaxis] + np.arange(1 << count)
        found[places] = made
    return found, base
