"""What a model tells of itself: importances by feature, parameters, size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.inspection import permutation_importance
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from learning.families import family_of
from learning.forms.sources import last_step
from learning.runtimes.sklearn import estimator_input
from learning.tasks import task_of
from tables.dataset import Dataset
from tables.schema import Schema, Target

REPEATS = 5
# Shuffling looks at no more rows than these.
MOST_ROWS = 1000
# Predictions of this many rows in all: shuffling each of a thousand features takes its time.
MOST_PREDICTIONS = 100_000

Importances = dict[str, float]


def inspect_estimator(
    estimator: BaseEstimator, schema: Schema, holdout: Dataset, seed: int
) -> dict[str, Any]:
    """Return what `model_info` shows of an estimator, JSON-ready; what does not apply is absent.

    `feature_importances` are a forest's own (decrease of impurity) or, of a
    linear model, the mean over classes of each coefficient's size times the
    spread of its column on the hold-out; those of a feature's one-hot columns
    are added up, and all add up to 1. `permutation_importances` say how much
    the loss on the hold-out grows when the feature's values are shuffled.
    Both are in descending order.
    """
    classifier = last_step(estimator)
    found = {
        "model_name": type(classifier).__name__,
        **family_of(classifier).size(classifier),
        "num_features": len(schema.features),
        "feature_importances": feature_importances(estimator, schema, holdout),
        "permutation_importances": permutation_importances(estimator, holdout, seed),
        "parameters": _parameters(classifier),
    }
    return {key: value for key, value in found.items() if value is not None}


def feature_importances(
    estimator: BaseEstimator, schema: Schema, holdout: Dataset
) -> Importances | None:
    """Return the importance of each feature by the estimator's own account, or None."""
    rows, last = estimator_input(holdout.batch), last_step(estimator)
    owners = list(schema.owners)
    if isinstance(estimator, Pipeline):
        owners = column_owners(estimator, schema)
        rows = estimator[:-1].transform(rows) if owners else rows
    columns = family_of(last).importances(last, rows) if owners else None
    if columns is None or len(owners) != len(columns) or columns.sum() <= 0:
        return None
    totals = np.zeros(len(schema.features))
    np.add.at(totals, owners, columns.astype(np.float64))
    totals /= totals.sum()
    names = [feature.name for feature in schema.features]
    return {names[i]: float(totals[i]) for i in _largest_first(names, totals)}


def column_owners(estimator: Pipeline, schema: Schema) -> list[int]:
    """Return the index in the schema of each column's feature, as the classifier sees them.

    It knows the columns of `learning.preparation`; of another's making, it returns none.
    """
    indices = list(schema.owners)
    prepare = estimator[0]
    if prepare == "passthrough":
        return indices
    owners: list[int] = []
    for name, transformer, columns in getattr(prepare, "transformers_", ()):
        if name == "number":
            owners += [indices[column] for column in columns]
        elif name == "category":
            widths = zip(columns, transformer.categories_, strict=True)
            owners += [indices[column] for column, codes in widths for _ in codes]
        elif name.startswith("text "):
            owners += [indices[columns]] * len(transformer.get_feature_names_out())
        elif name != "remainder" or transformer != "drop":
            return []
    return owners


def permutation_importances(
    estimator: BaseEstimator, holdout: Dataset, seed: int
) -> dict[str, dict[str, float]]:
    """Return how much the loss grows when each feature is shuffled: mean and std.

    All columns of a feature are shuffled alike: what is shuffled is which row each is of.
    """
    schema = holdout.schema
    features = schema.values + schema.texts
    names = [feature.name for feature in features]
    indices = [schema.features.index(feature) for feature in features]
    owners = [indices.index(owner) for owner in schema.owners]
    table, loss = estimator_input(holdout.batch), _gain_of(schema.target)

    def gain(model: BaseEstimator, drawn: NDArray[np.intp], values: NDArray[Any]) -> float:
        return loss(model, table[drawn[:, owners], np.arange(len(owners))], values)

    rows = min(holdout.rows, MOST_ROWS)
    repeats = int(np.clip(MOST_PREDICTIONS // (rows * len(names)), 1, REPEATS))
    # Hundreds of small predictions: threads would spend more on meeting than on work.
    with threadpool_limits(limits=1):
        result = permutation_importance(
            estimator,
            np.tile(np.arange(holdout.rows)[:, np.newaxis], len(names)),
            holdout.target,
            scoring=gain,
            n_repeats=repeats,
            random_state=seed,
            max_samples=rows,
        )
    mean, std = result.importances_mean, result.importances_std
    order = _largest_first(names, mean)
    return {names[i]: {"mean": float(mean[i]), "std": float(std[i])} for i in order}


def _gain_of(target: Target) -> Callable[[BaseEstimator, Any, NDArray[Any]], float]:
    """Return a scorer by the task's loss, that also reads a sample in which a class is missing."""
    task = task_of(target)

    def score(estimator: BaseEstimator, rows: Any, values: NDArray[Any]) -> float:
        return -task.loss(task.bounded(task.outputs(estimator, rows)), values, target)

    return score


def _largest_first(names: list[str], values: NDArray[np.float64]) -> list[int]:
    return sorted(range(len(names)), key=lambda index: (-values[index], names[index]))


def _parameters(classifier: BaseEstimator) -> dict[str, Any]:
    """Return the parameters that JSON can hold."""
    plain = (bool, int, float, str, type(None))
    parameters = classifier.get_params(deep=False)
    return {name: value for name, value in sorted(parameters.items()) if isinstance(value, plain)}
