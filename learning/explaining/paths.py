"""The leaves of a forest as plain arrays: what leads to each of them, and by which features.

A leaf has a condition for each feature of the table on its path, however many tests of that
feature, or of the columns made of it, lie there. A column's values fall into bins, between
which no test tells any two of them apart: a test holds for bins, not for values.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]

# How each array is kept.
KINDS = {
    "values": "<f8",
    "outputs": "<i4",
    "starts": "<i4",
    "owners": "<i4",
    "rates": "<f8",
    "conditions": "<i4",
    "columns": "<i4",
    "low": "<i4",
    "high": "<i4",
    "inside": "|b1",
    "missing": "|b1",
}


class Paths(NamedTuple):
    """The leaves `[L]`, their conditions `[P]`, and the tests of the conditions `[T]`.

    `values` are the leaves' `[L]`, `outputs` the score that each is a part of. Conditions
    stand leaf by leaf, from `starts[leaf]` on `[L + 1]`; `owners` are their features, `rates`
    the share of the training rows that came by, of those that came to the tests. Tests stand
    condition by condition: `conditions`; each is of a column of the matrix, and holds for
    the bins from `low` up to `high`, or if not `inside` for the others; `missing` says whether
    for a missing value. `edges` are the upper ends of each column's bins.
    """

    values: Doubles
    outputs: Ints
    starts: Ints
    owners: Ints
    rates: Doubles
    conditions: Ints
    columns: Ints
    low: Ints
    high: Ints
    inside: Flags
    missing: Flags
    edges: tuple[tuple[float, ...], ...]

    @property
    def leaves(self) -> Ints:
        """The leaf of each condition."""
        return np.repeat(np.arange(len(self.values), dtype=np.int32), np.diff(self.starts))

    @property
    def places(self) -> Ints:
        """Which condition of its leaf each is."""
        return np.arange(len(self.owners), dtype=np.int32) - self.starts[:-1][self.leaves]

    @property
    def most(self) -> int:
        """How many conditions the leaf has that has most."""
        return int(np.diff(self.starts).max(initial=0))

    def of(self, output: int) -> Paths:
        """Return the leaves that are a part of one score."""
        return self.taken(self.outputs == output)

    def taken(self, leaves: Flags) -> Paths:
        """Return some leaves."""
        conditions = leaves[self.leaves]
        tests = conditions[self.conditions]
        counts = np.diff(self.starts)[leaves]
        places = np.cumsum(conditions, dtype=np.int32) - 1
        return Paths(
            self.values[leaves],
            self.outputs[leaves],
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
            self.owners[conditions],
            self.rates[conditions],
            places[self.conditions[tests]],
            self.columns[tests],
            self.low[tests],
            self.high[tests],
            self.inside[tests],
            self.missing[tests],
            self.edges,
        )

    def baseline(self) -> float:
        """Return the sum of the leaves' values, each times the share of rows that came to it."""
        return float((self.values * products(self.rates, self.starts)).sum())

    def dump(self) -> Any:
        """Return the arrays as bytes, for msgspec to encode."""
        arrays = {n: np.asarray(getattr(self, n), kind).tobytes() for n, kind in KINDS.items()}
        return {**arrays, "edges": self.edges}


class Kept(msgspec.Struct, frozen=True):
    """The paths as they are kept."""

    values: bytes
    outputs: bytes
    starts: bytes
    owners: bytes
    rates: bytes
    conditions: bytes
    columns: bytes
    low: bytes
    high: bytes
    inside: bytes
    missing: bytes
    edges: tuple[tuple[float, ...], ...]

    def paths(self) -> Paths:
        """Return the arrays. Raises ValueError for bytes that are no such arrays."""
        arrays: dict[str, Any] = {
            name: np.frombuffer(getattr(self, name), kind) for name, kind in KINDS.items()
        }
        return Paths(**arrays, edges=self.edges)


def products(factors: Doubles, starts: Ints) -> Doubles:
    """Return the product of each leaf's factors `[L]`; of none it is 1."""
    padded = np.append(factors, 1.0)
    found = np.multiply.reduceat(padded, starts[:-1]) if len(starts) > 1 else np.ones(0)
    return np.where(np.diff(starts) > 0, found, 1.0)
