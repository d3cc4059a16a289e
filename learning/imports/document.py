"""The document that the scripts of clients/r write: columns, rows, R's answers, and the model."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from errors import ModelFileError
from learning.imports.imported import MOST_COLUMNS, classes_of, encoded
from tables.batch import Batch
from tables.schema import Class, Feature, Kind, Schema, Target

# To raise it: change FORMAT in clients/r/columns.R too, and teach `read_document`
# the number before, or have it say which release's scripts to use.
FORMAT = 1

_KINDS: dict[str, Kind] = {
    "number": "number",
    "integer": "integer",
    "logical": "boolean",
    "factor": "category",
    "ordered": "category",
}


class Column(msgspec.Struct, frozen=True):
    """A column of R's data frame; `levels` of a factor are in the order of R's codes."""

    name: str
    kind: Literal["number", "integer", "logical", "factor", "ordered"]
    levels: tuple[str, ...] = ()
    range: tuple[float, ...] = ()


class Tree(msgspec.Struct, frozen=True):
    """One tree, node by node: children (0: none), variable and value of the split, class shares."""

    left: list[int]
    right: list[int]
    variable: list[int]
    value: list[float]
    shares: list[list[float]]


class Ranger(msgspec.Struct, frozen=True, tag="ranger", tag_field="kind"):
    """A ranger probability forest.

    `partitioned` columns split by membership of a set of levels; of `reordered`
    ones the levels are in ranger's own order, and one never seen comes last.
    """

    version: str
    trees: list[Tree]
    partitioned: tuple[str, ...] = ()
    reordered: tuple[str, ...] = ()


class Glm(msgspec.Struct, frozen=True, tag="glm", tag_field="kind"):
    """A logistic regression: for each column one weight, or one for each of its levels."""

    version: str
    intercept: tuple[float]
    weights: list[list[float]]


class Document(msgspec.Struct, frozen=True):
    """The whole file. `predictions` `[n, k]` are R's own for `rows`, column by column."""

    format: int
    label: str
    classes: list[str]
    columns: list[Column]
    model: Ranger | Glm
    rows: dict[str, list[Any]]
    predictions: list[list[float]]
    made_with: str

    @property
    def order(self) -> list[int]:
        """The places of R's classes in the order of the label's."""
        named = classes_of(self.classes)
        return sorted(range(len(named)), key=lambda index: named[index])

    def expected(self) -> NDArray[np.float64]:
        """Return R's own predictions `[n, k]`, in the order of the label's classes."""
        return np.array(self.predictions, dtype=np.float64)[:, self.order]

    def schema(self) -> Schema:
        """Return what a row looks like; categories stand in the order of R's codes."""
        named: tuple[Class, ...] = classes_of(self.classes)
        label = Target(self.label, tuple(named[index] for index in self.order))
        first = self.objects()[0]
        return Schema(tuple(self._feature(c, first[c.name]) for c in self.columns), label)

    def _feature(self, column: Column, example: Any) -> Feature:
        kind = _KINDS[column.kind]
        if kind == "category":
            levels = column.levels
            if isinstance(self.model, Ranger) and column.name in self.model.reordered:
                # A level never seen comes behind the last of R's codes, and is -1, first, of ours.
                levels = levels[::-1]
            return Feature(column.name, kind, categories=levels, example=example)
        if kind == "boolean":
            return Feature(column.name, kind, example=example)
        low, high = column.range
        return Feature(column.name, kind, minimum=low, maximum=high, example=example)

    def objects(self) -> list[dict[str, Any]]:
        """Return the rows as a client would send them."""
        read = {"logical": bool, "integer": int}
        columns = [
            [read[c.kind](v) if c.kind in read else v for v in self.rows[c.name]]
            for c in self.columns
        ]
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def batch(self) -> Batch:
        """Return the rows as a batch."""
        return encoded(self.schema(), self.objects())


def read_document(data: bytes) -> Document:
    """Read the document and check that it hangs together. Raises ModelFileError."""
    try:
        document = msgspec.json.decode(data, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelFileError(f"not a model exported by the scripts of clients/r: {error}") from None
    if document.format != FORMAT:
        raise ModelFileError(
            f"exported in format {document.format}; this release reads format {FORMAT}"
        )
    _check_columns(document)
    _check_rows(document)
    return document


def _check_columns(document: Document) -> None:
    names = [column.name for column in document.columns]
    if not 0 < len(names) <= MOST_COLUMNS or len(set(names)) != len(names):
        raise ModelFileError("expected columns, each of another name")
    if document.label in names:
        raise ModelFileError(f"the label {document.label} is one of the columns")
    for column in document.columns:
        factor = _KINDS[column.kind] == "category"
        if factor and (not column.levels or len(set(column.levels)) != len(column.levels)):
            raise ModelFileError(f"column {column.name} is a factor without levels of its own")
        if not factor and len(column.range) != 2:
            raise ModelFileError(f"column {column.name} has no range")


def _check_rows(document: Document) -> None:
    count = len(document.predictions)
    if count == 0 or set(map(len, document.predictions)) != {len(document.classes)}:
        raise ModelFileError("expected rows with R's own prediction for every class")
    for column in document.columns:
        if len(document.rows.get(column.name, ())) != count:
            raise ModelFileError(f"expected {count} values of column {column.name} in the rows")
