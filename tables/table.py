"""A table: columns of raw values by name, as a file or a recipe has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from errors import DatasetError
from tables.cells import spell, to_cells
from tables.dialect import PLAIN_DIALECT, Dialect
from tables.texts import Texts


@dataclass(frozen=True)
class Table:
    """Columns of raw values by name, all of one length, or it raises DatasetError.

    Values are texts as a file has them, or Python's own; None is missing.
    `lines` are the lines of the file on which the rows begin, if there is one,
    and `dialect` says how that file is written; `decimal` is the sign before
    fractions, `day_first` whether 01/05 is in May, and `missing` the words that
    mean a missing value, where its owner says so. `indices` are those that the rows
    had before some were left out.
    """

    columns: Mapping[str, Sequence[Any]]
    lines: Sequence[int] = ()
    notes: tuple[str, ...] = ()
    dialect: Dialect = PLAIN_DIALECT
    decimal: str | None = None
    day_first: bool | None = None
    missing: tuple[str, ...] = ()
    indices: Sequence[int] = ()

    def __post_init__(self) -> None:
        if len({len(cells) for cells in self.columns.values()}) > 1:
            raise DatasetError("the table's columns are not all of one length")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def cells(self, name: str) -> list[str | None]:
        """Return a column spelt as a file has it, None where missing."""
        return to_cells(self.columns[name])

    def index(self, row: int) -> str:
        """Say where a row (from 0) is: its number under the header, and its line in the file."""
        line = f" (line {self.lines[row]})" if row < len(self.lines) else ""
        index = self.indices[row] if len(self.indices) else row
        return f"row {index + 1}{line}"

    def emptied(self) -> Table:
        """Return the table without the cells of its owner's words for a missing value."""
        words = {word.strip() for word in self.missing}
        if not words:
            return self
        columns = {
            name: [None if (spell(cell) or "").strip() in words else cell for cell in cells]
            for name, cells in self.columns.items()
        }
        return replace(self, columns=columns)

    def take(self, rows: NDArray[np.intp]) -> Table:
        """Return the table of the rows of these indices; where each stood is still known."""
        indices = rows.tolist()
        columns = {name: _taken(cells, indices) for name, cells in self.columns.items()}
        lines = [self.lines[i] for i in indices] if len(self.lines) else ()
        before = [self.indices[i] for i in indices] if len(self.indices) else indices
        return replace(self, columns=columns, lines=lines, indices=before)


def _taken(cells: Sequence[Any], rows: list[int]) -> Sequence[Any]:
    return cells.take(rows) if isinstance(cells, Texts) else [cells[i] for i in rows]
