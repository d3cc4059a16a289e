"""The schema of a table that was surveyed in parts, as `schema_inference` has it of a whole one.

How columns are read is decided on the sample; what is counted (categories, classes, ranges, which
columns have missing values) is that of all rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from errors import DatasetError
from tables.cells import ALWAYS_MISSING
from tables.column import Column, File, column_of_words, encode_column, formats_of, read_columns
from tables.distinct import distinct
from tables.numbers import NumberFormat
from tables.schema import Feature, Kind, Schema, Target
from tables.schema_inference import schema_of, without_index
from tables.survey import Survey
from tables.table import Table
from tables.tally import Tally
from tables.target import ReadTarget, check_column, labelled, read_classes

# Of a target's values so many stand for all, each in proportion.
TARGET_ROWS = 200_000
# Fewer of a value are not scaled down: whether a class is rare is told by them.
UNSCALED = 5
# A column that is decided by all of its different texts is of these kinds.
OF_WORDS = ("category", "boolean")


@dataclass(frozen=True)
class Labels:
    """How the target's column of a part is read: by its texts as classes, or as a quantity."""

    name: str
    classes: Mapping[str, int] | None
    feature: Feature | None = None
    formats: tuple[NumberFormat, ...] = ()

    def read(self, table: Table) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the value of each row, and which rows have one. Raises DatasetError."""
        if self.classes is None:
            assert self.feature is not None
            try:
                cells = table.columns[self.name]
                found = np.asarray(encode_column(self.feature, cells, self.formats), np.float64)
            except ValueError as error:
                raise DatasetError(f"column {self.name}: {error}") from None
            return found, np.isfinite(found)
        words = distinct(table.columns[self.name])
        index = [self.classes.get(word, -1) for word in words.words]
        codes = np.array([*index, -1], dtype=np.intp)[words.codes]
        return codes, codes >= 0


class Surveyed(NamedTuple):
    """The schema, a line for everything that the table's owner should know, and the labels."""

    schema: Schema
    notes: tuple[str, ...]
    labels: Labels


class Wanted(NamedTuple):
    """How a table is to be read: the arguments of `schema_inference.infer_schema`."""

    target: str
    aliases: Mapping[str, Mapping[str, str]] = {}
    kinds: Mapping[str, Kind] = {}
    read_target: ReadTarget = read_classes
    merge_rare: str | None = None
    left_out: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    decimal: str | None = None
    day_first: bool | None = None


def surveyed_schema(survey: Survey, wanted: Wanted, names: Mapping[int, str]) -> Surveyed:
    """Return the schema of a table; `names` are those of its parts, by number.

    Raises DatasetError, naming column and part, for a column that changes its type.
    """
    table = replace(
        survey.table(),
        decimal=wanted.decimal,
        day_first=wanted.day_first,
        missing=wanted.missing,
    ).emptied()
    check_column(table, wanted.target)
    for name, tally in survey.tallies.items():
        if name not in wanted.kinds:
            _check_made_of(name, tally, names)
    target, labels, notes = _target(survey, table, wanted)
    known = np.flatnonzero(labels.read(table)[1])
    table = table.take(known) if len(known) < len(table) else table
    no_features = {wanted.target, *wanted.left_out}
    cells = {name: column for name, column in table.columns.items() if name not in no_features}
    file = File(table.dialect.delimiter, table.decimal, day_first=table.day_first)
    columns, file = read_columns(cells, table.index, wanted.kinds, wanted.aliases, file)
    columns = {n: _by_all(n, c, survey.tallies[n], wanted, file) for n, c in columns.items()}
    columns = without_index(columns, table)
    schema = schema_of(columns, target, file, table.dialect, wanted.missing, wanted.left_out)
    said = [note for column in columns.values() for note in column.notes]
    return Surveyed(schema, (*notes, *said), labels)


def _check_made_of(name: str, tally: Tally, names: Mapping[int, str]) -> None:
    if len(tally.made_of) < 2:
        return
    ordered = sorted(tally.made_of, key=lambda what: (-tally.made_of[what].chunks, what))
    usual, strange = ordered[0], ordered[-1]
    parts = {what: names.get(made.part, str(made.part)) for what, made in tally.made_of.items()}
    raise DatasetError(
        f"column {name} changes its type: it holds {strange} in {parts[strange]} and {usual} in "
        f"{parts[usual]}; correct it, or give it a kind (--kind COLUMN=category)"
    )


# ---------------------------------------------------------------- the target


def _target(survey: Survey, table: Table, wanted: Wanted) -> tuple[Target, Labels, tuple[str, ...]]:
    tally = survey.tallies[wanted.target]
    if tally.is_empty:
        raise DatasetError(f"column {wanted.target}, the label, has no value in any row")
    few = tally.words is not None
    column = _in_proportion(tally) if few else table.columns[wanted.target]
    alone = replace(table, columns={wanted.target: column}, indices=() if few else table.indices)
    there, _ = labelled(alone, wanted.target)
    kind = wanted.kinds.get(wanted.target)
    read = wanted.read_target(there, wanted.target, kind, wanted.merge_rare)
    notes = [*read.notes]
    if tally.absent:
        notes.insert(
            0, f"{wanted.target}, the label, has no value in {tally.absent} rows; left out"
        )
    if not read.target.classes:
        return read.target, _quantity(there, wanted.target), tuple(notes)
    rows = np.arange(len(there)) if read.rows is None else read.rows
    cells = there.columns[wanted.target]
    values = zip(rows.tolist(), read.values.tolist(), strict=True)
    classes = {str(cells[row]).strip(): int(value) for row, value in values}
    return read.target, Labels(wanted.target, classes), tuple(notes)


def _in_proportion(tally: Tally) -> list[str]:
    """Return a tally's texts so often as they stand, or of many rows in proportion."""
    assert tally.words is not None
    share = min(1.0, TARGET_ROWS / max(1, tally.rows))
    return [
        word
        for word, count in tally.words.items()
        for _ in range(max(min(count, UNSCALED), round(share * count)))
    ]


def _quantity(table: Table, target: str) -> Labels:
    file = File(table.dialect.delimiter, table.decimal, day_first=table.day_first)
    kinds: dict[str, Kind] = {target: "number"}
    columns, _ = read_columns({target: table.columns[target]}, table.index, kinds, {}, file)
    feature = columns[target].feature
    assert feature is not None  # the target was read as a quantity
    return Labels(target, None, feature, formats_of(feature, file.decimal or "."))


# ---------------------------------------------------------------- features


def _by_all(name: str, column: Column, tally: Tally, wanted: Wanted, file: File) -> Column:
    """Return a column that was decided on a sample, as all rows have it."""
    words, feature = tally.distinct(), column.feature
    by_words = feature.kind in OF_WORDS if feature is not None else tally.numbers is None
    if words is not None and by_words:
        aliases = wanted.aliases.get(name, {})
        found = column_of_words(name, words, wanted.kinds.get(name), aliases, file)
        if found.feature is None or found.feature.kind in OF_WORDS:
            return found._replace(values=column.values)
    return column if feature is None else column._replace(feature=_widened(feature, tally))


def _widened(feature: Feature, tally: Tally) -> Feature:
    """Return a feature with the range of all rows, and missing where some row has no value."""
    changes: dict[str, Any] = {"nullable": feature.nullable or _has_missing(feature, tally)}
    if feature.minimum is not None and feature.maximum is not None and tally.numbers is not None:
        low, high = (
            min(feature.minimum, tally.numbers.low),
            max(feature.maximum, tally.numbers.high),
        )
        changes |= {"minimum": low, "maximum": high}
        if feature.kind == "integer" and not tally.numbers.whole:
            changes |= {"kind": "number", "example": float(feature.example)}
    return msgspec.structs.replace(feature, **changes)


def _has_missing(feature: Feature, tally: Tally) -> bool:
    words = tally.words or {}
    return bool(tally.absent) or any(word in words for word in {*ALWAYS_MISSING, *feature.missing})
