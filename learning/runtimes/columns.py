"""How a batch's matrix becomes the columns that a compiled model reads.

A category's test `code == 3` becomes a number's test: the column
`(code - 3)²` is 0 for that code and 1 or more for every other. Missing values
are filled in. That is three calls of numpy for one row, against a graph node,
or a slow comparison in every tree, for each category.
"""

from __future__ import annotations

from collections.abc import Callable
from math import nan
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32] | NDArray[np.float64]

Number = type[np.float32] | type[np.float64]

# What a column `(code - c)²` is compared with.
HALF = 0.5
FAR = -1e9


class Columns(msgspec.Struct, frozen=True):
    """The columns, in their order: features as they are, then one for each category test.

    `take` is the feature of each column. `codes` holds the code of the category
    columns, None for the one that tells whether a value is missing. `fill` is
    what NaN becomes, None where it stays. `mirrored` appends every column again,
    negated: see `graph.py`.
    """

    take: tuple[int, ...]
    codes: tuple[int | None, ...] = ()
    fill: tuple[float | None, ...] = ()
    mirrored: bool = False

    @property
    def width(self) -> int:
        """The number of columns made for a row."""
        return len(self.take) * (2 if self.mirrored else 1)


class Shaper:
    """Makes the columns, of `number`; holds them as arrays, and has no state beside."""

    def __init__(self, columns: Columns, number: Number = np.float32) -> None:
        self.number = number
        self.width = columns.width
        self.numbers = len(columns.take) - len(columns.codes)
        self._plain = len(columns.take)
        self._take = np.array(columns.take, dtype=np.intp)
        # A missing value is no code: it is far from every one.
        self._codes = np.array([FAR if c is None else c for c in columns.codes], number)
        self._fill = np.array([nan if v is None else v for v in columns.fill], number)
        self._mirrored = columns.mirrored

    def rows(self, matrix: Floats) -> Floats:
        """Return the columns `[n, width]` of `matrix` `[n, d]`."""
        out: NDArray[Any] = np.empty((len(matrix), self.width), self.number)
        plain, mirror = out[:, : self._plain], out[:, self._plain :]
        plain[:] = matrix[:, self._take]
        self._measure(plain[:, self.numbers :])
        np.copyto(plain, self._fill, where=np.isnan(plain))
        if self._mirrored:
            np.negative(plain, mirror)
        return out

    def row_writer(self, out: Floats) -> Callable[[Floats], None]:
        """Return a function that writes the columns of a row `[1, d]` into `out` `[width]`.

        Its views are made here, once: for a row, half the time would go to making them.
        """
        plain, mirror = out[: self._plain], out[self._plain :]
        categories, take, fill = plain[self.numbers :], self._take, self._fill
        measure = self._measure if len(self._codes) else None
        zeros = np.zeros(self._plain, self.number)
        mirrored, wider = self._mirrored, self.number is np.float64

        def write(matrix: Floats) -> None:
            # mode: with `raise`, numpy writes into a copy first; the indices are known to be good.
            row: Floats = matrix[0]
            if wider:
                row = row.astype(np.float64)
            row.take(take, 0, plain, "clip")
            if measure is not None:
                measure(categories)
            # A sum of zeros, unless one is NaN: a third of what isnan().any() costs.
            if plain.dot(zeros) != 0.0:
                np.copyto(plain, fill, where=np.isnan(plain))
            if mirrored:
                np.negative(plain, mirror)

        return write

    def _measure(self, categories: Floats) -> None:
        np.subtract(categories, self._codes, categories)
        np.multiply(categories, categories, categories)
