"""What a model tells of itself: importances by feature, parameters, size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from learning.families import family_of
from learning.forms.sources import last_step
from learning.runtimes.sklearn import estimator_input
from learning.tasks import task_of
from tables.dataset import Dataset
from tables.schema import Schema

REPEATS = 5
# Shuffling looks at no more rows than these.
MOST_ROWS = 1000
# Predictions of this many rows in all: shuffling each of a thousand features takes its time.
MOST_PREDICTIONS = 100_000
# And of so many cells: of thousands of features, each prediction reads all.
MOST_CELLS = 200_000_000
# Cells that are predicted at once.
BLOCK_CELLS = 4_000_000

Importances = dict[str, float]


def inspect_estimator(
    estimator: BaseEstimator, schema: Schema, holdout: Dataset, seed: int
) -> dict[str, Any]:
    """Return what `model_info` shows of an estimator, JSON-ready; what does not apply is absent.

    `feature_importances` are a forest's own (decrease of impurity) or, of a
    linear model, the mean over classes of each coefficient's size times the
    spread of its column on the hold-out; those of a feature's one-hot columns
    are added up, and all add up to 1. `permutation_importances` say how much
    the loss on the hold-out grows when the feature's values are shuffled; where there
    are thousands of features, for those that the estimator uses most.
    Both are in descending order.
    """
    classifier = last_step(estimator)
    own = feature_importances(estimator, schema, holdout)
    found = {
        "model_name": type(classifier).__name__,
        **family_of(classifier).size(classifier),
        "num_features": len(schema.features),
        "feature_importances": own,
        "permutation_importances": permutation_importances(estimator, holdout, seed, own),
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
    estimator: BaseEstimator, holdout: Dataset, seed: int, own: Importances | None = None
) -> dict[str, dict[str, float]]:
    """Return how much the loss of a row grows when each feature is shuffled: mean and std.

    All columns of a feature are shuffled alike: what is shuffled is which row each is of.
    A feature of which the estimator's `own` account is that it is not used has 0. Of
    thousands of features those that it uses most are shuffled, and only they are returned.
    """
    schema = holdout.schema
    names = [feature.name for feature in schema.values + schema.texts]
    random, sample = np.random.default_rng(seed), holdout.drawn(MOST_ROWS, seed)
    table, values = estimator_input(sample.batch), sample.target
    shuffled = _shuffled(names, own, table.size)
    count = max(1, len(shuffled))
    affordable = min(MOST_PREDICTIONS // (len(values) * count), MOST_CELLS // (table.size * count))
    repeats = int(np.clip(affordable, 1, REPEATS))
    grown = _grown(estimator, schema, table, values)
    # Hundreds of small predictions: threads would spend more on meeting than on work.
    with threadpool_limits(limits=1):
        found = grown(shuffled, [random.permutation(len(values)) for _ in range(repeats)])
    unused = [index for index, name in enumerate(names) if own is not None and not own.get(name)]
    found |= {index: np.zeros(1) for index in unused if index not in found}
    kept = [names[index] for index in found]
    means = np.array([found[index].mean() for index in found])
    stds = [float(losses.std()) for losses in found.values()]
    return {kept[i]: {"mean": float(means[i]), "std": stds[i]} for i in _largest_first(kept, means)}


def _shuffled(names: list[str], own: Importances | None, cells: int) -> list[int]:
    """Return the indices of the features to shuffle: all that are used, or as many as may be."""
    most = max(1, MOST_CELLS // cells)
    if own is None:
        return list(range(min(most, len(names))))
    place = {name: index for index, name in enumerate(names)}
    return [place[name] for name, share in own.items() if share > 0][:most]


Grown = Callable[[list[int], list[NDArray[np.intp]]], dict[int, NDArray[np.float64]]]


def _grown(
    estimator: BaseEstimator, schema: Schema, table: NDArray[Any], values: NDArray[Any]
) -> Grown:
    """Return the function that shuffles features, many in one prediction.

    It gives by feature how much the mean loss grows under each of some permutations.
    """
    task = task_of(schema.target)
    features = schema.values + schema.texts
    owners = np.array([features.index(schema.features[owner]) for owner in schema.owners])

    def losses(rows: NDArray[Any], count: int) -> NDArray[np.float64]:
        outputs = task.bounded(task.outputs(estimator, rows))
        each = task.losses(outputs, np.tile(values, count)).reshape(count, -1)
        return np.asarray(each.mean(axis=1))

    base = losses(table, 1)[0]

    def grown(
        shuffled: list[int], permutations: list[NDArray[np.intp]]
    ) -> dict[int, NDArray[np.float64]]:
        count = len(permutations)
        found: dict[int, NDArray[np.float64]] = {}
        block = max(1, BLOCK_CELLS // (table.size * count))
        for start in range(0, len(shuffled), block):
            indices = shuffled[start : start + block]
            stacked = np.tile(table, (len(indices) * count, 1))
            pairs = ((index, order) for index in indices for order in permutations)
            for place, (index, order) in enumerate(pairs):
                part = slice(place * len(table), (place + 1) * len(table))
                columns = np.flatnonzero(owners == index)
                stacked[part, columns] = table[order[:, np.newaxis], columns]
            by_feature = (losses(stacked, len(indices) * count) - base).reshape(-1, count)
            found |= dict(zip(indices, by_feature, strict=True))
        return found

    return grown


def _largest_first(names: list[str], values: NDArray[np.float64]) -> list[int]:
    return sorted(range(len(names)), key=lambda index: (-values[index], names[index]))


def _parameters(classifier: BaseEstimator) -> dict[str, Any]:
    """Return the parameters that JSON can hold."""
    plain = (bool, int, float, str, type(None))
    parameters = classifier.get_params(deep=False)
    return {name: value for name, value in sorted(parameters.items()) if isinstance(value, plain)}
