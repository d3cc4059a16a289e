"""How a schema is inferred from a table: all of its rows, and nothing but its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from errors import LONGEST_NAME, DatasetError
from tables.batch import Batch
from tables.cells import MISSING, kind_of, read_value
from tables.column import Column, File, as_columns, read_columns
from tables.dialect import PLAIN_DIALECT
from tables.distinct import distinct
from tables.numbers import is_number
from tables.schema import Class, Kind, Schema, Target
from tables.strata import SMALLEST_CLASS
from tables.table import Table

MOST_CLASSES = 100
# A numeric label of more values than this, and than a row in twenty, is a quantity.
MOST_NUMERIC_CLASSES = 20


class Inferred(NamedTuple):
    """A table read: its schema, a line for everything its owner should know, and its rows.

    `batch` are the encoded rows, `values` the target's value in each; a class's
    value is its index among the target's classes.
    """

    schema: Schema
    notes: tuple[str, ...]
    batch: Batch
    values: NDArray[Any]


# Reads a table's column as a target, and its value in each row.
ReadTarget = Callable[[Table, str], tuple[Target, NDArray[Any]]]


# ---------------------------------------------------------------- the target


def read_classes(table: Table, target: str) -> tuple[Target, NDArray[Any]]:
    """Return the target with its classes, and every row's class as an index into them.

    Classes are all of them booleans, or integers, or strings. Raises
    DatasetError for a row that has none, and for classes that cannot be learnt.
    """
    if target not in table.columns:
        raise DatasetError(f"the table has no column {target}; {_near(target, table)}")
    texts = distinct(table.columns[target]).without(MISSING)
    _check_there(table, target, np.flatnonzero(texts.codes < 0))
    read = _classes(texts.by_word)
    counts: Counter[Class] = Counter()
    for value, count in zip(read, texts.counts, strict=True):
        counts[value] += count
    if len(counts) == 1:
        raise DatasetError(f"column {target} holds one class only, in every row; two are needed")
    _check_classes(target, counts)
    classes = tuple(sorted(counts))
    indices = {value: index for index, value in enumerate(classes)}
    values = np.array([indices[value] for value in read], dtype=np.intp)
    return Target(target, classes), values[texts.codes]


def _check_there(table: Table, target: str, missing: NDArray[np.intp]) -> None:
    if len(missing):
        where, others = table.index(int(missing[0])), len(missing) - 1
        more = f" and in {others} more" if others else ""
        raise DatasetError(f"column {target}, the label, has no value in {where}{more}")


def _classes(counts: Mapping[str, int]) -> list[Class]:
    kind = kind_of(counts)
    if kind == "number" and all(float(word).is_integer() for word in counts):
        return [int(float(word)) for word in counts]
    read_as: Kind = kind if kind in ("boolean", "integer") else "category"
    return [read_value(word, read_as) for word in counts]


def _check_classes(target: str, counts: Counter[Class]) -> None:
    total = counts.total()
    numeric = all(is_number(str(value)) for value in counts)
    if numeric and len(counts) > max(MOST_NUMERIC_CLASSES, total / 20):
        raise DatasetError(
            f"column {target} looks like a quantity: {len(counts)} different numbers in {total} "
            "rows; a classifier needs classes"
        )
    if len(counts) > MOST_CLASSES:
        raise DatasetError(
            f"column {target} has {len(counts)} different values in {total} rows; "
            f"a label may have {MOST_CLASSES} classes"
        )
    smallest = min(counts, key=lambda value: (counts[value], str(value)))
    if counts[smallest] < SMALLEST_CLASS:
        rows = "1 row" if counts[smallest] == 1 else f"{counts[smallest]} rows"
        shown = repr(str(smallest)[:LONGEST_NAME])
        raise DatasetError(
            f"column {target}: class {shown} has {rows}, too few to split into training and "
            f"hold-out; {SMALLEST_CLASS} are needed"
        )


def _near(target: str, table: Table) -> str:
    near = get_close_matches(target, table.columns, 1)
    return f"did you mean {near[0]}?" if near else f"it has {', '.join(table.columns)}"


# ---------------------------------------------------------------- the features


def infer_schema(
    table: Table,
    target: str,
    aliases: Mapping[str, Mapping[str, str]] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    read_target: ReadTarget = read_classes,
) -> Inferred:
    """Infer the schema from all rows of a table, and encode them.

    A column is of the narrowest kind that fits every value: boolean (true,
    false, yes, no in any case), integer, number, date, and of the rest text where
    most values differ and have words, otherwise category. How numbers and dates
    are written and which words mean missing is decided by the column and the table
    (`tables.column`). Columns of one value, of none, and of a different word in
    every row are left out, and a note says so.
    `kinds` decides a column's kind; `aliases` gives categories more names.
    `read_target` reads the target's column; without it, classes are expected.

    Raises DatasetError, naming column and row, for a target that cannot be
    learnt, and for a column of numbers in which a few cells are none.
    """
    read, values = read_target(table, target)
    given = {name: cells for name, cells in table.columns.items() if name != target}
    file = File(table.dialect.delimiter, table.decimal, day_first=table.day_first)
    columns, file = read_columns(given, table.index, kinds or {}, aliases or {}, file)
    features = {name: c.feature for name, c in columns.items() if c.feature is not None}
    if not features:
        raise DatasetError(f"there is nothing to learn {target} from: every column is left out")
    ignored = tuple(name for name in columns if name not in features)
    dialect = msgspec.structs.replace(table.dialect, decimal=file.decimal or ".")
    carried = dialect if dialect != PLAIN_DIALECT else msgspec.UNSET
    schema = Schema(tuple(features.values()), read, ignored, carried)
    notes = (*table.notes, *(note for column in columns.values() for note in column.notes))
    return Inferred(schema, notes, _batch(schema, columns, len(table)), values)


def _batch(schema: Schema, columns: Mapping[str, Column], rows: int) -> Batch:
    matrix = np.empty((rows, len(schema.numeric)), dtype=np.float32)
    for feature, where in zip(schema.values, schema.slices, strict=True):
        matrix[:, where] = as_columns(columns[feature.name].values)
    return Batch(matrix, tuple(list(columns[f.name].values) for f in schema.texts))
