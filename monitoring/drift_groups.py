"""Groups: the cells of a sketch taken together, so few that it is soon learnt how they change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tables.sketch import MISSING, OUTSIDE, CodeSketch, NumberSketch, Sketch

Integers = NDArray[np.intp]
Doubles = NDArray[np.float64]

# So many groups of values at most, beside those of what is missing, unseen or out of range.
INNER = 10
# Of an order by loss there may be more: nothing is learnt of its shape.
ORDERED = 20
# A category of a smaller share is taken together with others.
RARE = 0.02


def groups_of(sketch: Sketch) -> Integers:
    """Return the group of each cell of a feature `[cells]`: outside, missing, values, above.

    What training had least of is at the ends.
    """
    return _of_numbers(sketch) if isinstance(sketch, NumberSketch) else _of_codes(sketch)


def groups_within(sketch: Sketch) -> Integers:
    """Return the group of each cell, what is out of a range with its neighbours.

    Training has nothing out of its range because it is training's: no distance may count that.
    """
    groups = groups_of(sketch)
    if isinstance(sketch, NumberSketch) and sketch.counts:
        inner = groups[OUTSIDE + 1 : -1]
        within = [1, inner[0], *inner, inner[-1]]
        return np.unique(within, return_inverse=True)[1].astype(np.intp)
    return groups


def groups_in_order(sketch: NumberSketch, order: Doubles | None = None) -> Integers:
    """Return the group of each cell, those of least `order` `[cells]` first, as they stand if none.

    Groups have about equally many rows; what is out of the range goes with its neighbour.
    """
    totals = sketch.totals.astype(np.float64)
    ranked = np.arange(len(totals)) if order is None else np.argsort(order, kind="stable")
    found = np.empty(len(totals), dtype=np.intp)
    found[ranked] = _even(totals[ranked], ORDERED if order is not None else INNER)
    return found


def summed(counts: NDArray[np.int64] | Doubles, groups: Integers) -> Doubles:
    """Return how many rows are in each group, by those in each cell."""
    return np.bincount(groups, counts, int(groups.max()) + 1).astype(np.float64)


def padded(columns: Sequence[Doubles]) -> Doubles:
    """Return columns of different lengths as one array, filled up with zeros."""
    found = np.zeros((len(columns), max(map(len, columns), default=0)))
    for row, column in zip(found, columns, strict=True):
        row[: len(column)] = column
    return found


def _of_numbers(sketch: NumberSketch) -> Integers:
    inner = _even(np.array(sketch.counts, dtype=np.float64), INNER) + 2  # behind those two
    above = int(inner.max(initial=1)) + 1
    return np.array([1, 0, *inner.tolist(), above], dtype=np.intp)


def _of_codes(sketch: CodeSketch) -> Integers:
    totals = sketch.totals
    found = np.full(len(totals), OUTSIDE + 1, dtype=np.intp)
    found[MISSING] = 1
    # Where some codes were seen once, more are still to come: they are as rare ones.
    found[OUTSIDE] = OUTSIDE + 1 if sketch.single else 0
    cells = np.argsort(totals[2:-1], kind="stable")[-INNER:] + 2
    common = [cell for cell in cells.tolist() if totals[cell] >= RARE * totals.sum()]
    found[common] = np.arange(len(common)) + OUTSIDE + 2
    return found


def _even(counts: Doubles, most: int) -> Integers:
    """Return the group of each of some neighbours, about equally many rows in each group."""
    middle = np.cumsum(counts) - counts / 2
    tenths = (middle / max(float(counts.sum()), 1.0) * most).astype(np.intp)
    return np.unique(np.minimum(tenths, most - 1), return_inverse=True)[1].astype(np.intp)
