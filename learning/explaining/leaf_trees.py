"""What a forest contributes where its paths are too long for tables: leaf by leaf."""

from __future__ import annotations

import numpy as np

from learning.explaining.background import Background
from learning.explaining.bins import Conditions
from learning.explaining.paths import Doubles, Paths, products
from learning.explaining.shapley import alone, nodes
from tables.batch import Matrix

# No rate is 0: a leaf that no row came to is met by none either.
SMALLEST = 1e-12


class LeafTrees:
    """Leaves one and all, for paths of any length: the product of conditions, at a few points."""

    quick = False

    def __init__(self, paths: Paths, features: int) -> None:
        self._conditions = Conditions(paths)
        self._features = features
        self._values, self._leaves = paths.values, paths.leaves
        self._rates = np.maximum(paths.rates, SMALLEST)
        self._starts, self._owners = paths.starts, paths.owners
        self._nodes = list(zip(*(a.tolist() for a in nodes(paths.most)), strict=True))
        self.work = len(self._owners) * len(self._nodes)
        self.baseline = paths.baseline()

    @property
    def cost(self) -> str:
        """What explaining a row takes, in words."""
        return f"milliseconds a row: {len(self._values)} leaves, one by one"

    def rows(self, matrix: Matrix) -> Doubles:
        """Return what each feature contributes `[n, features]`, of rows of the matrix."""
        return np.array([self._row(row) for row in matrix.tolist()]).reshape(-1, self._features)

    def _row(self, row: list[float]) -> Doubles:
        if not len(self._owners):
            return np.zeros(self._features)
        by_row = self._conditions.of_row(row).astype(np.float64)
        found = np.zeros(len(self._owners))
        for at, weight in self._nodes:
            factors = at * by_row + (1.0 - at) * self._rates
            found += weight * products(factors, self._starts)[self._leaves] / factors
        found *= (by_row - self._rates) * self._values[self._leaves]
        return np.asarray(np.bincount(self._owners, found, self._features), np.float64)


class BackgroundLeafTrees:
    """Leaves one and all against a background sample: each pattern of the sample with the row's.

    A leaf counts where each of its conditions holds for one or the other.
    """

    quick = False

    def __init__(self, paths: Paths, features: int, background: Background) -> None:
        self._conditions = Conditions(paths)
        self._features, self._owners = features, paths.owners
        self._places, self._condition_leaves = paths.places.astype(np.uint64), paths.leaves
        self._leaves, self._others = background.leaves, background.patterns
        full = (np.uint64(1) << np.diff(paths.starts).astype(np.uint64)) - np.uint64(1)
        self._full = full[self._leaves]
        self._starts = paths.starts[:-1][self._leaves]
        self._values = paths.values[self._leaves] * background.shares
        self._count, self._most = len(paths.values), paths.most
        self._alone = alone(paths.most)
        self.work = len(self._others) * max(1, paths.most)
        self.baseline = float(self._values[self._others == self._full].sum())

    @property
    def cost(self) -> str:
        """What explaining a row takes, in words."""
        return f"milliseconds a row: {len(self._others)} patterns of {self._count} leaves"

    def rows(self, matrix: Matrix) -> Doubles:
        """Return what each feature contributes `[n, features]`, of rows of the matrix."""
        return np.array([self._row(row) for row in matrix.tolist()]).reshape(-1, self._features)

    def _row(self, row: list[float]) -> Doubles:
        own = np.zeros(self._count, np.uint64)
        bits = self._conditions.of_row(row).astype(np.uint64) << self._places
        np.bitwise_or.at(own, self._condition_leaves, bits)
        by_row = own[self._leaves]
        met = np.flatnonzero((by_row | self._others) == self._full)
        by_row, others = by_row[met], self._others[met]
        first, second = by_row & ~others, others & ~by_row
        a, b = np.bitwise_count(first), np.bitwise_count(second)
        values, starts = self._values[met], self._starts[met]
        gains, losses = values * self._alone[a, b], values * self._alone[b, a]
        found = np.zeros(len(self._owners))
        for place in range(self._most):
            bit = np.uint64(1 << place)
            for patterns, sizes in ((first, gains), (second, -losses)):
                chosen = np.flatnonzero(patterns & bit)
                found += np.bincount(starts[chosen] + place, sizes[chosen], len(found))
        return np.asarray(np.bincount(self._owners, found, self._features), np.float64)
