"""How a signature is inferred from a table: all of its rows, and nothing but its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from statistics import median_low
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import DatasetError
from tables.cells import (
    Cells,
    first_not_a_number,
    first_not_of,
    is_number,
    kind_of,
    read_values,
    stripped,
    to_float32,
)
from tables.schema import Class, Feature, Kind, Schema, Target

if TYPE_CHECKING:
    from tables.table import Table

# Fewer rows of a class cannot be split into hold-out and folds.
SMALLEST_CLASS = 5
MOST_CLASSES = 100
# A numeric label of more values than this, and than a row in twenty, is a quantity.
MOST_NUMERIC_CLASSES = 20
# A class's name in a message is cut here.
LONGEST_CLASS = 64
# A category of more values than this is flagged.
MANY_CATEGORIES = 100
# In fewer rows than this, values that all differ mean nothing.
FEW_ROWS = 10
# A table's own texts may be private, and the example is shown to everybody.
TEXT_EXAMPLE = "some words"


# Reads a table's column as a target, and its value in each row.
ReadTarget = Callable[["Table", str], tuple[Target, NDArray[Any]]]


class Inferred(NamedTuple):
    """A schema, a line for everything that the table's owner should know, and the target's values.

    A class's value is its index among the target's classes.
    """

    schema: Schema
    notes: tuple[str, ...]
    values: NDArray[Any]


def read_classes(table: Table, target: str) -> tuple[Target, NDArray[Any]]:
    """Return the target with its classes, and each row's class by index. Raises DatasetError."""
    if target not in table.columns:
        raise DatasetError(f"the table has no column {target}; {_near(target, table)}")
    read = _read_labels(table, target)
    counts = Counter(read)
    if len(counts) == 1:
        raise DatasetError(f"column {target} holds one class only, in every row; two are needed")
    _check_classes(target, counts)
    classes = tuple(sorted(counts))
    indices = {value: index for index, value in enumerate(classes)}
    return Target(target, classes), np.array([indices[value] for value in read], dtype=np.intp)


def infer_schema(
    table: Table,
    target: str,
    aliases: Mapping[str, Mapping[str, str]] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    read_target: ReadTarget = read_classes,
) -> Inferred:
    """Infer the signature from all rows of a table.

    A column is of the narrowest kind that fits every value: boolean (true,
    false, yes, no in any case), integer, number, and of the rest text where most
    values differ and have words, otherwise category. Missing are empty cells
    and what `tables.cells.MISSING` lists. Columns of one value, of none, of
    dates, and of a different word in every row are left out, and a note says
    so. `kinds` settles a column's kind; `aliases` gives categories more names.
    `read_target` reads the target's column; without it, classes are expected.

    Raises DatasetError, naming column and row, for a target that cannot be
    learnt, and for a column of numbers in which a few cells are none.
    """
    read, values = read_target(table, target)
    features: list[Feature] = []
    notes: list[str] = list(table.notes)
    for name in table.columns:
        if name != target:
            column = _Column(table, name, (aliases or {}).get(name, {}), (kinds or {}).get(name))
            features += column.feature
            notes += column.notes
    if not features:
        raise DatasetError(f"there is nothing to learn {target} from: every column is left out")
    kept = {target, *(feature.name for feature in features)}
    ignored = tuple(name for name in table.columns if name not in kept)
    return Inferred(Schema(tuple(features), read, ignored), tuple(notes), values)


# ---------------------------------------------------------------- the label


def _read_labels(table: Table, target: str) -> list[Class]:
    """Return every row's class: all of them booleans, or integers, or strings.

    Raises DatasetError for a row that has none.
    """
    cells = stripped(table.cells(target))
    if None in cells:
        where, others = table.index(cells.index(None)), cells.count(None) - 1
        more = f" and in {others} more" if others else ""
        raise DatasetError(f"column {target}, the label, has no value in {where}{more}")
    kind = kind_of(cells)
    if kind == "number" and all(float(cell).is_integer() for cell in cells if cell):
        return [int(float(cell)) for cell in cells if cell]
    return read_values(cells, kind if kind in ("boolean", "integer") else "category")


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
        shown = repr(str(smallest)[:LONGEST_CLASS])
        raise DatasetError(
            f"column {target}: class {shown} has {rows}, too few to split into training and "
            f"hold-out; {SMALLEST_CLASS} are needed"
        )


def _near(target: str, table: Table) -> str:
    near = get_close_matches(target, table.columns, 1)
    return f"did you mean {near[0]}?" if near else f"it has {', '.join(table.columns)}"


# ---------------------------------------------------------------- a feature


class _Column:
    """What a column becomes: `feature` holds one Feature, or none when it is left out."""

    def __init__(
        self, table: Table, name: str, aliases: Mapping[str, str], kind: Kind | None
    ) -> None:
        self.name = name
        self.notes: list[str] = []
        self.feature: tuple[Feature, ...] = ()
        cells = stripped(table.cells(name))
        self._counts = Counter(cell for cell in cells if cell is not None)
        if not self._counts:
            self._leave_out("has no value in any row")
        elif (found := kind or kind_of(cells)) is None:
            self._leave_out("holds dates, which no kind of feature reads")
        else:
            _check_values(table, name, found, cells, resolved=kind is not None)
            if kind is None and self._is_identifier(found):
                self._leave_out("looks like an identifier: a different value in every row")
            else:
                self._make(found, cells, aliases)

    def _leave_out(self, why: str) -> None:
        self.notes.append(f"{self.name} {why}; it is left out")

    def _is_identifier(self, kind: Kind) -> bool:
        total = self._counts.total()
        return kind == "category" and len(self._counts) == total >= FEW_ROWS

    def _make(self, kind: Kind, cells: Cells, aliases: Mapping[str, str]) -> None:
        meant = [aliases.get(cell, cell) if cell is not None else None for cell in cells]
        values = [value for value in read_values(meant, kind) if value is not None]
        if len(set(values)) == 1:
            self._leave_out("has the same value wherever it has one")
            return
        facts = _FACTS[kind](values)
        known = {a: c for a, c in aliases.items() if c in facts.get("categories", ())}
        nullable = len(values) < len(cells)
        self.feature = (Feature(self.name, kind, nullable, aliases=known, **facts),)
        self._flag(kind)

    def _flag(self, kind: Kind) -> None:
        different, total = len(self._counts), self._counts.total()
        if kind == "integer" and different == total >= FEW_ROWS:
            self.notes.append(
                f"{self.name} looks like an identifier: a different integer in every row; "
                "it is kept, leave it out of the table if it is one"
            )
        if kind == "category" and different > min(MANY_CATEGORIES, total / 2):
            self.notes.append(f"{self.name} has {different} categories in {total} rows")


def _check_values(table: Table, name: str, kind: Kind, cells: Cells, resolved: bool) -> None:
    """Raise DatasetError for the first cell that does not go with the others of its column."""
    if (index := first_not_of(cells, kind)) is not None:
        raise DatasetError(f"column {name}, {table.index(index)}: not of kind {kind}")
    if not resolved and kind in ("category", "text"):
        index = first_not_a_number(cells)
        if index is not None:
            raise DatasetError(
                f"column {name}, {table.index(index)}: not a number, as nearly all of the column "
                "is; correct it or leave it empty"
            )
    if kind in ("number", "integer"):
        infinite = np.isinf(to_float32(read_values(cells, kind)))
        if infinite.any():
            where = table.index(int(infinite.argmax()))
            raise DatasetError(f"column {name}, {where}: the number is too large for 32 bits")


def _range(values: list[Any]) -> dict[str, Any]:
    return {
        "minimum": float(min(values)),
        "maximum": float(max(values)),
        "example": median_low(values),
    }


def _commonest(values: list[Any]) -> dict[str, Any]:
    counts = Counter(values)
    return {"example": min(counts, key=lambda value: (-counts[value], value))}


def _categories(values: list[str]) -> dict[str, Any]:
    return {"categories": tuple(sorted(set(values))), **_commonest(values)}


def _text(values: list[str]) -> dict[str, Any]:
    return {"example": TEXT_EXAMPLE}


_FACTS: dict[str, Any] = {
    "number": _range,
    "integer": _range,
    "boolean": _commonest,
    "category": _categories,
    "text": _text,
}
