"""A target that is a quantity: its number in each row, however the table writes numbers."""

from __future__ import annotations

import numpy as np

from errors import DatasetError
from tables.column import Column, File, read_columns
from tables.distinct import distinct
from tables.schema import Kind, Target
from tables.table import Table
from tables.target import Read, are_numbered

QUANTITY = "regression"
# A numeric target of more different values than these is a quantity, unless they are numbers of
# classes.
MOST_NUMERIC_CLASSES = 20
# Fewer rows cannot be parted, and judged by.
FEWEST_ROWS = 10


def looks_like_quantity(table: Table, target: str, kind: Kind | None = None) -> bool:
    """Tell whether a column has numbers that are more than numbers of classes."""
    if kind is not None:
        return kind == "number"
    cells = table.columns[target]
    if len(distinct(cells).words) <= MOST_NUMERIC_CLASSES:
        return False
    try:
        column = _column(table, target, None)
    except DatasetError:  # a few cells are no numbers: as classes they are told by name
        return False
    if column.feature is None or column.feature.kind not in ("integer", "number"):
        return False
    values = column.values[np.isfinite(np.asarray(column.values, np.float64))]
    return not are_numbered(np.asarray(values))


def read_quantity(
    table: Table, target: str, kind: Kind | None = None, merge_rare: str | None = None
) -> Read:
    """Return the target, and the number in each row that has one.

    Raises DatasetError for cells that are no numbers, and for numbers that are all the same.
    """
    if merge_rare is not None:
        raise DatasetError(f"merge_rare is for classes, and {target} is a quantity")
    column = _column(table, target, "number")
    if column.feature is None:
        raise DatasetError(f"column {target} holds one number only; a quantity varies")
    values = np.asarray(column.values, np.float64)
    there = np.isfinite(values)
    if there.sum() < FEWEST_ROWS:
        raise DatasetError(
            f"column {target} has a number in {there.sum()} rows; {FEWEST_ROWS} are needed"
        )
    rows = None if there.all() else np.flatnonzero(there)
    return Read(Target(target, (), QUANTITY), values[there], rows, column.notes)


def _column(table: Table, target: str, kind: Kind | None) -> Column:
    file = File(table.dialect.delimiter, table.decimal, day_first=table.day_first)
    kinds: dict[str, Kind] = {target: kind} if kind else {}
    columns, _ = read_columns({target: table.columns[target]}, table.index, kinds, {}, file)
    return columns[target]
