"""The schema: what a row of a model looks like; `schema_inference` infers it from a table."""

from __future__ import annotations

from itertools import accumulate
from typing import Any, Literal

import msgspec

from tables.dates import DateFormat
from tables.dialect import Dialect
from tables.numbers import NumberFormat

Kind = Literal["number", "integer", "boolean", "category", "date", "text"]
Class = bool | int | str

# Encoded value of a category that training never saw; one-hot gives it no column.
UNKNOWN = -1.0


class Feature(msgspec.Struct, frozen=True, omit_defaults=True):
    """One column that the model reads.

    `categories` (kind category) are the training values in sorted order: a
    row's value is encoded as its index in them. With `other` they are the commonest
    only, and any other value is one more category, with the index behind theirs.
    `aliases` maps a further accepted value to a category. `minimum` and `maximum` are the training
    range of numbers and integers. `written` says how the training file wrote its
    numbers, where not plainly, and `missing` which words it had for a missing
    value, beside those that always mean one. `dates` (kind date) says the same of
    dates, and which of their parts the model reads.
    `unspaced` (kind text) says that the script is written without spaces. `closed` (kind
    category) says that the model answers no value but the categories. `log` says whether its
    values stand in the prediction log, or a keyed hash of them; not set, all but texts do.
    `names` are those that a row may have it under besides its own.
    """

    name: str
    kind: Kind
    nullable: bool = False
    categories: tuple[str, ...] = ()
    aliases: dict[str, str] = {}
    minimum: float | None = None
    maximum: float | None = None
    example: Any = None
    written: NumberFormat | None = None
    missing: tuple[str, ...] = ()
    dates: DateFormat | None = None
    other: bool = False
    unspaced: bool = False
    closed: bool = False
    log: bool | Literal["hash"] | None = None
    names: tuple[str, ...] = ()

    @property
    def codes(self) -> int:
        """How many codes a category has, that of other values among them."""
        return len(self.categories) + self.other

    @property
    def fallback(self) -> float:
        """The code of a value that is none of the categories."""
        return float(len(self.categories)) if self.other else UNKNOWN

    @property
    def columns(self) -> tuple[Feature, ...]:
        """Its columns of the float32 matrix: itself, the parts of a date, of a text none."""
        if self.kind == "text":
            return ()
        if self.dates is None:
            return (self,)
        return tuple(
            Feature(f"{self.name} ({part})", "number", self.nullable) for part in self.dates.parts
        )


class Target(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is predicted: the column's name, and its classes in the order of the probabilities.

    Classes are booleans (False, True), integers or strings, sorted. `task` names
    the task (see learning/tasks) whose target it is; not all have classes. `unit` is a
    quantity's.
    """

    name: str
    classes: tuple[Class, ...] = ()
    task: str = "classification"
    unit: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The classes as JSON object keys: `true` for True, `3` for 3."""
        return tuple(str(c).lower() if isinstance(c, bool) else str(c) for c in self.classes)


class Schema(msgspec.Struct, frozen=True):
    """The features in column order, and the target, whose public name is `label`.

    `ignored` are the columns of the training table that the model does not read,
    `dialect` how its file was written, where that is not as most are. `imputes`
    says that the model fills in a missing value also where training had none.
    """

    features: tuple[Feature, ...]
    target: Target = msgspec.field(name="label")
    ignored: tuple[str, ...] = ()
    dialect: Dialect | msgspec.UnsetType = msgspec.UNSET
    imputes: bool | msgspec.UnsetType = msgspec.UNSET

    @property
    def numeric(self) -> tuple[Feature, ...]:
        """The columns of the float32 matrix, in order: features, and the parts of dates."""
        return tuple(column for feature in self.features for column in feature.columns)

    @property
    def values(self) -> tuple[Feature, ...]:
        """The features that have columns in the float32 matrix: all but text, in order."""
        return tuple(f for f in self.features if f.kind != "text")

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where in the float32 matrix the columns of each of `values` are."""
        ends = [0, *accumulate(len(feature.columns) for feature in self.values)]
        return tuple(map(slice, ends[:-1], ends[1:]))

    @property
    def owners(self) -> tuple[int, ...]:
        """The index of the feature of each column of the matrix, and then of each text."""
        indexed = list(enumerate(self.features))
        columns = (index for index, feature in indexed for _ in feature.columns)
        return (*columns, *(index for index, feature in indexed if feature.kind == "text"))

    @property
    def aliases(self) -> dict[str, str]:
        """The feature that each further name means."""
        return {name: feature.name for feature in self.features for name in feature.names}

    @property
    def texts(self) -> tuple[Feature, ...]:
        """The text features, in order."""
        return tuple(f for f in self.features if f.kind == "text")

    @property
    def example(self) -> dict[str, Any]:
        """One row that this signature accepts."""
        return {f.name: f.example for f in self.features}
