"""Pipelines of scikit-learn's that end in a booster of LightGBM's or XGBoost's.

skops holds the fitted steps before it, and the booster's own library writes the booster. The
steps are folded into its trees, and the answers proven to be those of steps and library.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import EquivalenceError, ModelFileError
from learning.compile.compilation import compile_forest
from learning.compile.equivalence import probes
from learning.explanation import form_explanation
from learning.forms import lightgbm, xgboost
from learning.forms.sources import CannotFold, Columned, sources
from learning.forms.trees import Forest, thresholds
from learning.imports.boosted import TOLERANCE, decimals
from learning.imports.categories import with_categories
from learning.imports.estimator import audited, coded
from learning.imports.example import Example
from learning.imports.frame import framed
from learning.imports.imported import Imported, encoded, first_rows
from learning.imports.isolated import HandedPipeline, ask_library
from learning.imports.libraries import Name, question_of
from learning.imports.xgboost import rounds_of
from learning.runtimes import load_runtime
from learning.trained import golden_of
from tables.batch import Batch, joined
from tables.quantity import QUANTITY
from tables.schema import UNKNOWN, Class, Feature, Schema, Target

Doubles = NDArray[np.float64]
SPARSE = (
    "the steps hand XGBoost a sparse matrix, of which it takes every 0 for missing; fit the "
    "pipeline with OneHotEncoder(sparse_output=False)"
)
WITHOUT = "leave that step out, or import the booster alone, fitted on the columns themselves"


class Prepared(NamedTuple):
    """The fitted steps, the booster as its library writes it, and the trees over raw columns."""

    steps: Any
    library: Name
    model: bytes
    schema: Schema
    forest: Forest
    rounds: int = 0

    def answers(self, rows: Batch) -> tuple[Doubles, str]:
        """Return what steps and library answer rows `[n, k]`, and the library's version.

        Raises ModelFileError.
        """
        matrix = self.steps.transform(framed(self.steps, self.schema).table(_doubles(rows)))
        if hasattr(matrix, "toarray"):
            if self.library == "xgboost":
                raise ModelFileError(SPARSE)
            matrix = matrix.toarray()
        question = question_of(self.library, np.asarray(matrix, np.float64), (), self.rounds)
        answer = ask_library(self.model, question)
        found = answer.outputs()
        if self.forest.link == "logistic":
            found = np.hstack((1.0 - found, found))
        return found, f"{self.library} {answer.version}"


def import_prepared(
    handed: HandedPipeline, example: Example, target: str, classes: tuple[Class, ...]
) -> Imported:
    """Return the pipeline that a process handed over, compiled.

    Raises ModelFileError for steps that trees cannot take in, and EquivalenceError.
    """
    model = _prepared(handed, example, _target(target, classes))
    batch = encoded(model.schema, example.rows)
    compiled = compile_forest(model.forest, precise=True)
    runtime = load_runtime(compiled.runtime_name, compiled.members)
    rows = joined((batch, _near(model, batch)))
    expected, by = model.answers(rows)
    found = runtime.outputs(rows)
    own = np.array(handed.outputs, np.float64).reshape(len(handed.outputs), -1)
    proof = _proof(found, expected, own[: len(batch.matrix)], by)
    made = Imported(
        model.schema,
        compiled.runtime_name,
        compiled.members,
        *golden_of(example.rows, runtime.outputs(batch)),
        {"model_name": handed.name, "num_trees": len(model.forest.trees)}
        | {"num_features": len(model.schema.features)},
        {
            "imported_from": f"a pickle of a pipeline with {handed.library}",
            "read_in": handed.confined,
            "proven_by": by,
        },
        proof,
    )
    why = form_explanation(
        model.forest, runtime, model.schema, batch, lambda most: first_rows(rows, most)
    )
    return made.explained(why)


def _target(name: str, classes: tuple[Class, ...]) -> Target:
    return Target(name, classes) if classes else Target(name, task=QUANTITY)


def _prepared(handed: HandedPipeline, example: Example, target: Target) -> Prepared:
    """Return the model with its trees over raw columns. Raises ModelFileError."""
    steps = audited(handed.skops)
    features = _in_order(with_categories(example.features, steps), steps)
    for feature in features:
        if feature.kind == "text":
            raise ModelFileError(
                f"column {feature.name} is text that no encoder makes categories of, or has "
                "missing values without an imputer; trees read numbers and categories"
            )
    schema = Schema(features, target)
    wrapped = framed(steps, schema)
    try:
        plain = coded(steps, wrapped.columns, schema)
        found = sources([part for _, part in plain.steps], len(features), 0)
        doubles = handed.library == "lightgbm"
        nullable = frozenset(i for i, f in enumerate(features) if f.nullable)
        given = Columned(None, found, len(features), nullable, doubles=doubles)
        forest, rounds = _forest(handed, given)
    except (CannotFold, ValueError, TypeError, KeyError) as error:
        raise ModelFileError(f"the pipeline is not taken in: {error}; {WITHOUT}") from None
    answers = 1 if forest.link == "logistic" else forest.outputs
    if forest.quantity == bool(target.classes) or (
        target.classes and max(2, answers) != len(target.classes)
    ):
        raise ModelFileError("the booster has other classes than its pipeline says")
    return Prepared(steps, handed.library, handed.model, schema, forest, rounds)


def _in_order(features: tuple[Feature, ...], steps: Any) -> tuple[Feature, ...]:
    """Return the features in the order of the pipeline's columns, if it knows them."""
    names = [str(name) for name in getattr(steps, "feature_names_in_", ())]
    if sorted(names) != sorted(feature.name for feature in features):
        return features
    return tuple(sorted(features, key=lambda feature: names.index(feature.name)))


def _forest(handed: HandedPipeline, given: Columned) -> tuple[Forest, int]:
    if handed.library == "lightgbm":
        text = lightgbm.read(handed.model.decode("utf-8"))
        return lightgbm.forest(text, given), 0
    learner = xgboost.read(handed.model)
    rounds = rounds_of(learner)
    return xgboost.forest(learner, given, rounds=rounds), rounds


def _doubles(rows: Batch) -> Doubles:
    """Return the matrix `[n, d]` as doubles: of what float32 rounded, the shortest decimals."""
    return np.column_stack([decimals(column) for column in rows.matrix.T])


def _near(model: Prepared, batch: Batch) -> Batch:
    """Return rows at both sides of every threshold, none with what an encoder would refuse."""
    rows = probes(batch, model.schema, thresholds(model.forest), seed=0)
    for index, feature in enumerate(model.schema.features):
        column = rows.matrix[:, index]
        if feature.kind == "category" and feature.closed:
            column[column == UNKNOWN] = 0.0
    return rows


def _proof(found: Any, expected: Doubles, own: Doubles, by: str) -> dict[str, float]:
    """Return the proof: `own` are the pipeline's answers for the first rows. Raises."""
    if not expected.shape == found.shape or own.shape != found[: len(own)].shape:
        raise EquivalenceError(f"{by}: no answer of {found.shape[1]} numbers a row")
    scale = max(1.0, float(np.abs(expected).max()))
    differences = (np.abs(expected - found), np.abs(own - found[: len(own)]))
    largest = max(float(found.max()) for found in differences) / scale
    if not largest <= TOLERANCE:
        raise EquivalenceError(f"an answer differs by {largest:.1e} from that of {by}")
    return {"rows": len(found), "largest_difference": largest}
