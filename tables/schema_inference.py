"""How a schema is inferred from a table: all of its rows, and nothing but its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from errors import DatasetError
from tables.batch import Batch
from tables.column import Column, File, as_columns, read_columns
from tables.dialect import PLAIN_DIALECT, Dialect
from tables.schema import Feature, Kind, Schema, Target
from tables.table import Table
from tables.target import ReadTarget, labelled, read_classes

# What pandas and R call the column of a table's index where they name it.
INDEX_NAMES = frozenset({"rownames", "row.names", "unnamed: 0", "...1", "index"})


class Inferred(NamedTuple):
    """A table read: its schema, a line for everything its owner should know, and its rows.

    `batch` are the encoded rows that have a value of the target, `values` what it is;
    a class's value is its index among the target's classes; `table` are these rows' cells.
    """

    schema: Schema
    notes: tuple[str, ...]
    batch: Batch
    values: NDArray[Any]
    table: Table


def infer_schema(
    table: Table,
    target: str,
    aliases: Mapping[str, Mapping[str, str]] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    read_target: ReadTarget = read_classes,
    merge_rare: str | None = None,
    left_out: tuple[str, ...] = (),
) -> Inferred:
    """Infer the schema from all rows of a table that have a label, and encode them.

    A column is of the narrowest kind that fits every value: boolean (true,
    false, yes, no in any case), integer, number, date, and of the rest text where
    most values differ and have words, otherwise category. How numbers and dates
    are written and which words mean missing is decided by the column and the table
    (`tables.column`). Columns of one value, of none, and of a different word in
    every row are left out, and a note says so.
    `kinds` decides a column's kind; `aliases` gives categories more names.
    `read_target` reads the target's column, as classes unless it is given;
    `merge_rare` names the class that those of too few rows become, and the columns
    `left_out` are no features.

    Raises DatasetError, naming column and row, for a target that cannot be
    learnt, and for a column of numbers in which a few cells are none.
    """
    kinds, words = kinds or {}, table.missing
    table, notes = labelled(table.emptied(), target)
    read = read_target(table, target, kinds.get(target), merge_rare)
    table = table if read.rows is None else table.take(read.rows)
    no_features = {target, *left_out}
    given = {name: cells for name, cells in table.columns.items() if name not in no_features}
    file = File(table.dialect.delimiter, table.decimal, day_first=table.day_first)
    columns, file = read_columns(given, table.index, kinds, aliases or {}, file)
    columns = without_index(columns, table)
    schema = schema_of(columns, read.target, file, table.dialect, words, left_out)
    said = (note for column in columns.values() for note in column.notes)
    notes = (*table.notes, *notes, *read.notes, *said)
    return Inferred(schema, notes, _batch(schema, columns, len(table)), read.values, table)


def schema_of(
    columns: Mapping[str, Column],
    target: Target,
    file: File,
    dialect: Dialect,
    words: tuple[str, ...] = (),
    left_out: tuple[str, ...] = (),
) -> Schema:
    """Return the schema of columns that were read, `words` being further ones for a missing value.

    Raises DatasetError where every column is left out.
    """
    features = {n: _also(c.feature, words) for n, c in columns.items() if c.feature is not None}
    if not features:
        raise DatasetError(
            f"there is nothing to learn {target.name} from: every column is left out"
        )
    ignored = (*(name for name in columns if name not in features), *left_out)
    written = msgspec.structs.replace(dialect, decimal=file.decimal or ".")
    carried = written if written != PLAIN_DIALECT else msgspec.UNSET
    return Schema(tuple(features.values()), target, ignored, carried)


def without_index(columns: Mapping[str, Column], table: Table) -> dict[str, Column]:
    """Leave out a first column that pandas or R wrote to count the rows, and say so.

    What stands in which row of a file is known of no row to come.
    """
    read = dict(columns)
    name = next(iter(read), "")
    column = read.get(name)
    if column is None or column.feature is None or name.lower() not in INDEX_NAMES:
        return read
    rows = np.array(table.indices) if len(table.indices) else np.arange(len(table))
    values = column.values
    if column.feature.kind == "integer" and np.array_equal(values, rows + (values[0] - rows[0])):
        note = f"{name} counts the rows, as an index does; it is left out"
        read[name] = Column(None, [], (note,))
    return read


def _also(feature: Feature, words: tuple[str, ...]) -> Feature:
    """Return a feature that has these words for a missing value as well."""
    if not words or feature.kind == "text":
        return feature
    missing = tuple(sorted({*feature.missing, *words}))
    return msgspec.structs.replace(feature, missing=missing)


def _batch(schema: Schema, columns: Mapping[str, Column], rows: int) -> Batch:
    matrix = np.empty((rows, len(schema.numeric)), dtype=np.float32)
    for feature, where in zip(schema.values, schema.slices, strict=True):
        matrix[:, where] = as_columns(columns[feature.name].values)
    return Batch(matrix, tuple(list(columns[f.name].values) for f in schema.texts))
