"""What imports of boosted trees share: features of a file's columns, and the proof.

A library's file names its columns and says which hold categories; the example, if there is
one, says what else a row looks like. The trees are compiled, and the answers proven to be the
library's own where it can be loaded, else those of the trees as the file has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace as with_fields
from numpy.typing import NDArray

from errors import EquivalenceError, ModelFileError
from learning.compile.compilation import compile_forest
from learning.compile.equivalence import probes
from learning.explanation import Made, form_explanation
from learning.forms.sources import Columned, Number
from learning.forms.trees import Forest, thresholds
from learning.forms.walk import walk
from learning.imports.example import Example
from learning.imports.imported import Imported, classes_of, encoded, first_rows
from learning.imports.isolated import ask_library
from learning.imports.libraries import Name, question_of
from learning.imports.memberships import Memberships, with_memberships, without_memberships
from learning.prediction import Runtime
from learning.runtimes import load_runtime
from learning.runtimes.onnx import MEMBER
from learning.trained import golden_of
from tables.batch import Batch, Matrix, joined
from tables.quantity import QUANTITY
from tables.schema import Class, Feature, Schema, Target

# Rows that are made where the user gives none.
MADE_ROWS = 500
TOLERANCE = 1e-5
Doubles = NDArray[np.float64]
Word = str | int | float | bool


class Column(NamedTuple):
    """A column as a library's file has it.

    `words` are the categories by their codes, where the file names them; `codes` says that the
    column's values are codes themselves. `low` and `high` are the range of numbers, if known.
    `closed` says that the library answers no category but these.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    words: tuple[Word, ...] = ()
    codes: bool = False
    closed: bool = False
    boolean: bool = False

    @property
    def kind(self) -> str:
        """What its values are in a row: `words`, `integer` or `boolean` codes, or `number`."""
        if self.boolean:
            return "boolean"
        if not self.words:
            return "integer" if self.codes else "number"
        if all(isinstance(word, bool) for word in self.words):
            return "boolean"
        return "words" if all(isinstance(word, str) for word in self.words) else "integer"


class Coded(Memberships):
    """Sets of codes as sets of what stands for them in a batch's matrix."""

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__(len(columns))
        self._columns = columns

    def index(self, feature: int, mask: int, missing: bool = False) -> int:
        """Return the column of a set, given as the bits of its codes. Raises ModelFileError."""
        column = self._columns[feature]
        if column.words and column.kind != "words":
            codes = (code for code in range(mask.bit_length()) if mask >> code & 1)
            mask = sum(1 << _whole(column, code) for code in codes if code < len(column.words))
        return super().index(feature, mask, missing)

    def codes(self, matrix: Matrix) -> Doubles:
        """Return the matrix `[n, d]` as its library reads it: the shortest decimals, and codes."""
        made = np.column_stack([decimals(matrix[:, i]) for i in range(matrix.shape[1])])
        for index, column in enumerate(self._columns):
            if column.words and column.kind != "words":
                made[:, index] = _codes(column, matrix[:, index])
        return made


def _whole(column: Column, code: int) -> int:
    value = column.words[code]
    if not isinstance(value, int) or value < 0:
        raise ModelFileError(
            f"the categories of {column.name} are numbers, and not all whole ones from 0 on; "
            "make them words before the model is fitted"
        )
    return int(value)


def _codes(column: Column, values: NDArray[np.float32]) -> Doubles:
    known = {float(word): code for code, word in enumerate(column.words)}
    found = [known.get(value, np.nan if value != value else -1.0) for value in values.tolist()]
    return np.array(found, np.float64)


def decimals(values: NDArray[np.float32]) -> Doubles:
    """Return the doubles that the values were rounded of, taken for their shortest decimals."""
    different, places = np.unique(values, return_inverse=True)
    return different.astype(str).astype(np.float64)[places]


@dataclass(frozen=True)
class Boosted:
    """A library's model of trees, as its file has it; `forest` is over `sets`' columns.

    `classes` are the model's own, where they are known; `rounds` of the trees, or all, answer.
    """

    library: Name
    data: bytes
    origin: str
    columns: tuple[Column, ...]
    sets: Coded
    forest: Forest
    gains: Doubles
    info: dict[str, Any] = field(default_factory=dict)
    classes: tuple[Class, ...] = ()
    rounds: int = 0

    @cached_property
    def count(self) -> int:
        """How many classes there are, 0 for a quantity."""
        if self.forest.quantity:
            return 0
        return max(2, self.forest.outputs)


def columned(columns: Sequence[Column], sets: Coded, doubles: bool) -> Columned:
    """Return columns that are raw features, any of which may be missing."""
    count = len(columns)
    sources: Any = [Number(index) for index in range(count)]
    return Columned(None, sources, count, frozenset(range(count)), sets, doubles)


def import_boosted(model: Boosted, example: Example | None, target: str) -> Imported:
    """Return the model, compiled. Raises ModelFileError, EquivalenceError."""
    example = _example(model.columns) if example is None else _named(model.columns, example)
    features = tuple(map(_feature, model.columns, example.features))
    schema = Schema(features, target_of(model, example, target), imputes=True)
    batch = encoded(schema, example.rows)
    name, members = _compiled(model)
    runtime = load_runtime(name, members)
    proof, by = _proven(model, runtime, schema, batch, example)
    info = {
        **model.info,
        "num_trees": len(model.forest.trees),
        "num_features": len(features),
        "feature_importances": _importances(model, features),
    }
    golden = golden_of(example.rows, runtime.outputs(batch))
    origin = {"imported_from": model.origin, "proven_by": by}
    made = Imported(schema, name, members, *golden, info, origin, proof)
    return made.explained(_why(model, runtime, schema, batch))


def _why(model: Boosted, runtime: Runtime, schema: Schema, batch: Batch) -> Made:
    near = joined((batch, _near(model, schema, batch)))
    forest = without_memberships(model.forest, model.sets)
    return form_explanation(forest, runtime, schema, batch, lambda most: first_rows(near, most))


def target_of(model: Boosted, example: Example, target: str) -> Target:
    """Return the target: a quantity, or classes as they are named. Raises ModelFileError."""
    if not model.count:
        return Target(target, task=QUANTITY)
    classes = model.classes or _numbered(model.count, example)
    if len(classes) != model.count:
        raise ModelFileError(f"the model has {model.count} classes, not {len(classes)}")
    return Target(target, classes)


def _numbered(count: int, example: Example) -> tuple[Class, ...]:
    """Return the classes as the file counts them. Raises ModelFileError for labels that are not."""
    labels = {(label or "").strip() for label in example.labels or ()} - {""}
    if count == 2 and labels and {label.lower() for label in labels} <= {"true", "false"}:
        return (False, True)
    if not labels <= {str(code) for code in range(count)}:
        raise ModelFileError(
            f"the file does not name its {count} classes, and the example has other labels than "
            f"0 to {count - 1}; say them in the model's order: --classes no yes"
        )
    return classes_of([str(code) for code in range(count)])


# ---------------------------------------------------------------- features


def _named(columns: Sequence[Column], example: Example) -> Example:
    """Return the example with its features in the model's order. Raises ModelFileError."""
    features = example.features
    if len(columns) != len(features):
        raise ModelFileError(
            f"the model reads {len(columns)} columns; the example has {len(features)}"
        )
    if all(column.name == "" for column in columns):
        return example
    # LightGBM writes a name's blanks as underscores.
    given = {feature.name.replace(" ", "_"): feature for feature in features}
    ordered = [given.get(column.name.replace(" ", "_")) for column in columns]
    for column, feature in zip(columns, ordered, strict=True):
        if feature is None:
            raise ModelFileError(
                f"the model reads a column {column.name}, which the example has not"
            )
    return example._replace(features=tuple(f for f in ordered if f is not None))


def _feature(column: Column, given: Feature) -> Feature:
    """Return the feature, of the kind that the model reads. Raises ModelFileError."""
    kind = column.kind
    if kind == "words":
        if given.kind != "text":
            raise ModelFileError(f"the model reads words in {given.name}; the example has others")
        words = tuple(str(word) for word in column.words)
        example = given.example if given.example in words else words[0]
        return Feature(
            given.name, "category", given.nullable, words, example=example, closed=column.closed
        )
    if given.kind == "text":
        raise ModelFileError(f"the model reads {given.name} as a number; the example has text")
    if kind == "integer" and given.kind == "number":
        return with_fields(given, kind="integer", example=int(given.example))
    return given


def _example(columns: Sequence[Column]) -> Example:
    """Return rows that are made of what the file tells of its columns. Raises ModelFileError."""
    if any(column.name == "" for column in columns):
        raise ModelFileError(
            "the file does not name its columns; give an example row or table: --schema"
        )
    random = np.random.default_rng(0)
    drawn = [_drawn(column, random) for column in columns]
    features = tuple(
        _made(column, values[0]) for column, values in zip(columns, drawn, strict=True)
    )
    names = [column.name for column in columns]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*drawn, strict=True)]
    return Example(features, rows, None)


def _made(column: Column, value: Any) -> Feature:
    kinds: Any = {"words": "text", "integer": "integer", "boolean": "boolean"}
    kind = kinds.get(column.kind, "number")
    if kind == "number":
        return Feature(column.name, kind, minimum=column.low, maximum=column.high, example=value)
    return Feature(column.name, kind, example=value)


def _drawn(column: Column, random: np.random.Generator) -> list[Any]:
    if column.boolean:
        return [bool(value) for value in random.integers(2, size=MADE_ROWS)]
    if column.words:
        return [column.words[i] for i in random.integers(len(column.words), size=MADE_ROWS)]
    if column.codes or (column.low.is_integer() and column.high.is_integer()):
        low, high = int(column.low), int(column.high)
        values = random.integers(low, max(low, high), MADE_ROWS, endpoint=True).tolist()
        return [value if column.codes else float(value) for value in values]
    return [float(f"{v:.6g}") for v in random.uniform(column.low, column.high, MADE_ROWS)]


# ---------------------------------------------------------------- the proof


def _compiled(model: Boosted) -> tuple[str, dict[str, bytes]]:
    try:
        made = compile_forest(model.forest, precise=True)
    except RecursionError:
        raise ModelFileError("the model's trees are too deep") from None
    if not model.sets.sets:
        return made.runtime_name, made.members
    return made.runtime_name, {MEMBER: with_memberships(made.members[MEMBER], model.sets)}


def _proven(
    model: Boosted, runtime: Runtime, schema: Schema, batch: Batch, example: Example
) -> tuple[dict[str, float], str]:
    """Return the proof, and whose answers were met. Raises EquivalenceError."""
    near = _near(model, schema, batch)
    rows = joined((batch, near))
    if find_spec(model.library) is None:
        expected, by = walk(model.forest, model.sets.columns_of(rows.matrix)), "the file's trees"
    else:
        given = model.sets.codes(rows.matrix)
        if model.library == "lightgbm":
            _put_doubles(given, schema, example)
        codes = tuple(i for i, column in enumerate(model.columns) if column.codes)
        question = question_of(model.library, given, codes, model.rounds)
        answer = ask_library(model.data, question)
        expected, by = answer.outputs(), f"{model.library} {answer.version}"
        if model.forest.link == "logistic":
            expected = np.hstack((1.0 - expected, expected))
    found = runtime.outputs(rows)
    if expected.shape != found.shape or not np.isfinite(expected).all():
        raise EquivalenceError(f"{by}: no answer of {found.shape[1]} numbers a row")
    largest = float(np.abs(expected - found).max()) / _scale(model, expected)
    if not largest <= TOLERANCE:
        raise EquivalenceError(f"an answer differs by {largest:.1e} from that of {by}")
    return {"rows": len(found), "largest_difference": largest}, by


def _scale(model: Boosted, expected: Doubles) -> float:
    """Return the unit of differences: 1 for probabilities, the largest of quantities.

    XGBoost adds up in float32, which tells large quantities that differ little from each
    other no better than to a millionth of themselves.
    """
    return 1.0 if model.count else float(np.abs(expected).max()) or 1.0


def _near(model: Boosted, schema: Schema, batch: Batch) -> Batch:
    """Return rows at both sides of every threshold, with any code, and values that are missing."""
    count = len(model.columns)
    sides = {f: values for f, values in thresholds(model.forest).items() if f < count}
    codes = {f for f, _, _ in model.sets.sets}
    tables = model.sets.tables()
    sides |= {f: [float(code) for code in range(-1, len(tables[f]) - 1)] for f in codes}
    kinds = [
        with_fields(feature, kind="category") if index in codes else feature
        for index, feature in enumerate(schema.features)
    ]
    return probes(batch, with_fields(schema, features=tuple(kinds)), sides, seed=0)


def _put_doubles(given: Doubles, schema: Schema, example: Example) -> None:
    """Put the example's own numbers in place of what float32 keeps of them."""
    for index, feature in enumerate(schema.features):
        if feature.kind == "number":
            values = [row[feature.name] for row in example.rows]
            given[: len(values), index] = [np.nan if v is None else v for v in values]


def _importances(model: Boosted, features: Sequence[Feature]) -> dict[str, float]:
    total = model.gains.sum() or 1.0
    shares = np.asarray(model.gains / total).tolist()
    named = {feature.name: share for feature, share in zip(features, shares, strict=True)}
    return dict(sorted(named.items(), key=lambda pair: (-pair[1], pair[0])))
