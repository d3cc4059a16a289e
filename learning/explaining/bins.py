"""Where values fall among the bins of a forest's columns, and which tests hold there."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from learning.explaining.paths import Flags, Paths
from tables.batch import Matrix

Places = NDArray[np.intp]


class Bins:
    """Where a column's values fall: a number for each bin of each column, missing ones last."""

    def __init__(self, paths: Paths) -> None:
        self.used = [column for column, edges in enumerate(paths.edges) if edges]
        sizes = [len(paths.edges[column]) + 2 for column in self.used]
        ends = np.cumsum([0, *sizes]).tolist()
        self.starts = dict(zip(self.used, ends, strict=False))
        self.total = ends[-1]
        self._edges = [
            (column, paths.edges[column], np.array(paths.edges[column]), self.starts[column])
            for column in self.used
        ]

    def of_row(self, row: list[float]) -> list[int]:
        """Return the bin of each column used, of a row of the matrix."""
        return [
            start + (bisect_left(edges, value) if value == value else len(edges) + 1)
            for column, edges, _, start in self._edges
            for value in (row[column],)
        ]

    def of_rows(self, matrix: Matrix) -> Places:
        """Return the bins `[columns used, n]` of rows of the matrix."""
        found = np.empty((len(self.used), len(matrix)), np.intp)
        for index, (column, _, edges, start) in enumerate(self._edges):
            values = matrix[:, column].astype(np.float64)
            bins = np.searchsorted(edges, values, side="left")
            found[index] = start + np.where(np.isnan(values), len(edges) + 1, bins)
        return found


class Conditions:
    """Which tests and which conditions hold for a row, whose bins are known."""

    def __init__(self, paths: Paths) -> None:
        self.bins = Bins(paths)
        place = {column: index for index, column in enumerate(self.bins.used)}
        columns = paths.columns.tolist()
        starts = np.array([self.bins.starts[c] for c in columns], np.int64)
        sizes = np.array([len(paths.edges[c]) for c in columns], np.int64)
        self._places = np.array([place[c] for c in columns], np.intp)
        self._low, self._high = starts + paths.low, starts + paths.high
        self._absent = starts + sizes + 1
        self._inside, self._missing = paths.inside, paths.missing
        # Conditions have at least one test, and tests stand in the order of the conditions.
        self._first = np.searchsorted(paths.conditions, np.arange(len(paths.owners)))

    def _tests_hold(self, bins: list[int]) -> Flags:
        """Return whether each test holds `[T]`."""
        found = np.array(bins, np.int64)[self._places]
        within = ((found >= self._low) & (found < self._high)) == self._inside
        return np.where(found == self._absent, self._missing, within)

    def of_row(self, row: list[float]) -> Flags:
        """Return whether each condition holds `[P]` for a row of the matrix."""
        if not len(self._first):
            return np.zeros(0, np.bool_)
        holds = self._tests_hold(self.bins.of_row(row))
        return np.asarray(np.logical_and.reduceat(holds, self._first))
