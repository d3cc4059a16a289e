"""Rows below a header to a table: which are left out, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import DatasetError
from tables.numbers import is_number
from tables.readers.layout import Layout, is_total, unnamed_note
from tables.table import Table
from tables.texts import Texts

if TYPE_CHECKING:
    import pyarrow as pa

Column = Sequence[str]

# Whether a header is one is told by so many rows under it.
SAMPLE_ROWS = 1000


class Ragged(NamedTuple):
    """A row that has more or fewer cells than the header: which, on which line, and how many."""

    row: int
    line: int
    cells: int


class Rows(NamedTuple):
    """The columns of delimited text by index, the line of each row, and rows that do not fit."""

    columns: Sequence[Column]
    lines: Sequence[int]
    ragged: list[Ragged]


def without_ragged(rows: Rows) -> tuple[Rows, list[str]]:
    """Pass over the rows that do not fit, and say how many they are."""
    if not rows.ragged:
        return rows, []
    count = "1 line is" if len(rows.ragged) == 1 else f"{len(rows.ragged)} lines are"
    note = f"{count} left out for too many or too few cells, first line {rows.ragged[0].line}"
    return rows._replace(ragged=[]), [note]


def table_of(rows: Rows, layout: Layout, line: int, notes: Sequence[str] = ()) -> Table:
    """Return the table of rows below a header, which stands in `line`.

    Columns without a name are left out, and so is a row that sums up the
    others. Raises DatasetError for a ragged row, and for what is no header.
    """
    if rows.ragged:
        row, at, cells = rows.ragged[0]
        raise DatasetError(
            f"row {row + 1} (line {at}) has {cells} cells, the header {layout.width}"
        )
    columns, left_out = _named(rows, layout, line)
    _check_header(columns, line)
    columns, lines, total = without_total(columns, rows.lines)
    return Table(columns, lines, (*notes, *layout.notes, *left_out, *total))


def _named(rows: Rows, layout: Layout, line: int) -> tuple[dict[str, Column], list[str]]:
    if not rows.lines:
        raise DatasetError(f"the table has no rows under its header, line {line}")
    notes = []
    for index, cells in enumerate(rows.columns):
        if index not in layout.names and (note := unnamed_note(index, cells, line)):
            notes.append(note)
    columns = {name: rows.columns[index] for index, name in layout.names.items()}
    if len(columns) < 2:
        raise DatasetError("the table has one column with a name; a label and a feature are needed")
    return columns, notes


def _check_header(columns: dict[str, Column], line: int) -> None:
    """Raise DatasetError when most names would do as values of their columns."""
    alike = sum(_could_be_a_value(name, cells) for name, cells in columns.items())
    if alike > len(columns) / 2:
        raise DatasetError(f"the table has no header: line {line} looks like a row of data")


def _could_be_a_value(name: str, cells: Column) -> bool:
    values = [cell.strip() for cell in cells[:SAMPLE_ROWS]]
    if is_number(name):
        return all(is_number(value) for value in values if value)
    return name in set(values)


def without_total(
    columns: dict[str, Column], lines: Sequence[int]
) -> tuple[dict[str, Column], Sequence[int], list[str]]:
    """Leave out a last row that sums up the others, and say so."""
    last = len(lines) - 1
    if last < 1 or not is_total([cells[last] for cells in columns.values()]):
        return columns, lines, []
    note = f"the last row (line {lines[last]}) is a total, left out"
    return {name: without_last(cells) for name, cells in columns.items()}, lines[:last], [note]


def without_last(cells: Column) -> Column:
    """Return a column without its last cell."""
    return Texts(cells.array[:-1]) if isinstance(cells, Texts) else cells[:-1]


def without_blank_rows(table: pa.Table) -> tuple[pa.Table, NDArray[np.intp]]:
    """Leave out the rows in which no cell has more than spaces; say by index which are kept."""
    import pyarrow as pa
    import pyarrow.compute as pc

    blank = np.arange(table.num_rows)
    for column in table.columns:
        cells = column if len(blank) == table.num_rows else column.take(pa.array(blank))
        empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(cells), ""), True)
        blank = blank[empty.to_numpy()]
        if not len(blank):
            return table, np.arange(table.num_rows)
    kept = np.ones(table.num_rows, dtype=bool)
    kept[blank] = False
    return table.filter(pa.array(kept)), np.flatnonzero(kept)
