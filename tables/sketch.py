"""Sketches: how a column's values are distributed, as counts by cell; no value of a row is kept.

The cells of every sketch are: missing; what was not there when it was made (below the range,
or a category never seen); those that it counted; and what is above the range, or any of the
categories that have no cell of their own.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.intp]
Counts = NDArray[np.int64]
Values = NDArray[Any]

# So many cells, at most, have values of their own.
MOST_CELLS = 64
# The cell of what is missing, and that of what is below the range or was never seen.
MISSING, OUTSIDE = 0, 1


class NumberSketch(msgspec.Struct, frozen=True, omit_defaults=True, tag="number"):
    """Of numbers: cells of about equally many rows, or one a value where there are few values.

    `ends` part the cells, each midway between two values, `counts` are the rows of
    each. `minimum` and `maximum` are None where every value is missing.
    """

    missing: int
    counts: tuple[int, ...] = ()
    ends: tuple[float, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def totals(self) -> Counts:
        """The rows in each cell when the sketch was made `[cells]`."""
        return np.array([self.missing, 0, *self.counts, 0], dtype=np.int64)

    @property
    def outside(self) -> tuple[int, ...]:
        """The cells out of the range."""
        return (OUTSIDE, len(self.counts) + 2)

    def cells(self, values: Values) -> Cells:
        """Return the cell of each value `[n]`; NaN is missing."""
        found = np.asarray(values, dtype=np.float32)
        ends = np.array(self.ends, dtype=np.float32)
        cells = np.searchsorted(ends, found).astype(np.intp) + 2
        if self.minimum is None or self.maximum is None:
            cells[:] = OUTSIDE
        else:
            cells[found < np.float32(self.minimum)] = OUTSIDE
            cells[found > np.float32(self.maximum)] = len(self.counts) + 2
        cells[np.isnan(found)] = MISSING
        return cells

    def median(self, counts: Counts) -> float | None:
        """Return about where half of the values in these cells are below; None for no value."""
        if self.minimum is None or self.maximum is None or not counts[1:].sum():
            return None
        uppers = [self.minimum, *self.ends, self.maximum, self.maximum]
        lowers = [self.minimum, self.minimum, *self.ends, self.maximum]
        below = np.cumsum(counts[1:])
        cell = int(np.searchsorted(below, below[-1] / 2))
        return (lowers[cell] + uppers[cell]) / 2


class CodeSketch(msgspec.Struct, frozen=True, omit_defaults=True, tag="codes"):
    """Of codes, such as a category's: the rows of the commonest, and of all the others together.

    Codes are 0 up to `size`; others were never seen. `single` are rows whose code no other
    had: without that row it would not have been seen. Their share is what to expect of codes
    never seen (Good, The Population Frequencies of Species, 1953), so they count as such.
    """

    missing: int
    size: int
    codes: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()
    others: int = 0
    single: int = 0

    @property
    def totals(self) -> Counts:
        """The rows in each cell when the sketch was made `[cells]`."""
        return np.array([self.missing, self.single, *self.counts, self.others], dtype=np.int64)

    @property
    def outside(self) -> tuple[int, ...]:
        """The cell of codes never seen."""
        return (OUTSIDE,)

    def cells(self, values: Values) -> Cells:
        """Return the cell of each code `[n]`; NaN is missing."""
        found = np.asarray(values, dtype=np.float32)
        table = np.full(self.size + 2, len(self.codes) + 2, dtype=np.intp)
        table[list(self.codes)] = np.arange(len(self.codes)) + 2
        table[-2:] = OUTSIDE, MISSING
        known = (found >= 0) & (found < self.size)
        places = np.where(known, found, self.size)
        places = np.where(np.isnan(found), self.size + 1, places)
        cells: Cells = table[places.astype(np.intp)]
        return cells


Sketch = NumberSketch | CodeSketch


def sketch_numbers(values: Values) -> NumberSketch:
    """Return the sketch of numbers `[n]`, NaN where one is missing."""
    found = np.asarray(values, dtype=np.float32)
    there = found[~np.isnan(found)]
    missing = len(found) - len(there)
    if not len(there):
        return NumberSketch(missing)
    distinct, counts = np.unique(there, return_counts=True)
    last = _last_of_cells(counts)
    # Half of each: the sum of two large ones would be infinite.
    ends = distinct[last[:-1]] / 2 + distinct[last[:-1] + 1] / 2
    # Counted as `cells` finds them: between neighbours of 32 bits there is no midway.
    rows = np.bincount(np.searchsorted(ends, distinct), counts, len(last)).astype(np.int64)
    low, *uppers, high = map(_short, (distinct[0], *ends, distinct[-1]))
    return NumberSketch(missing, tuple(rows.tolist()), tuple(uppers), low, high)


def sketch_codes(values: Values, size: int) -> CodeSketch:
    """Return the sketch of codes 0 up to `size`, NaN where one is missing; all were seen."""
    found = np.asarray(values, dtype=np.float32)
    there = found[~np.isnan(found)].astype(np.intp)
    counts = np.bincount(there, minlength=size)
    single = int((counts == 1).sum())
    counts[counts == 1] = 0
    kept = np.sort(np.argsort(-counts, kind="stable")[:MOST_CELLS])
    rows, missing = tuple(counts[kept].tolist()), len(found) - len(there)
    others = len(there) - single - sum(rows)
    return CodeSketch(missing, size, tuple(kept.tolist()), rows, others, single)


def count(cells: Cells, sketch: Sketch) -> Counts:
    """Return how many rows are in each cell of a sketch."""
    return np.bincount(cells, minlength=len(sketch.totals)).astype(np.int64)


def _last_of_cells(counts: Counts) -> Cells:
    """Return the index of the last distinct value of each cell."""
    if len(counts) <= MOST_CELLS:
        return np.arange(len(counts))
    below = np.cumsum(counts)
    targets = below[-1] * np.arange(1, MOST_CELLS + 1) / MOST_CELLS
    return np.unique(np.searchsorted(below, targets))


def _short(value: np.float32) -> float:
    """Return a number of as few digits as a 32-bit float needs."""
    return float(str(np.float32(value)))
