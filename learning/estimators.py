"""The ready-made pipelines that a recipe picks from.

Each is a scikit-learn Pipeline of two steps, "prepare" and "classifier", over
the very matrix that serving makes of its rows, in float32, so that a compiled
model sees the same numbers. A category never seen and a missing one look alike:
zero in each of the feature's one-hot columns.

scikit-learn is imported by who makes an estimator, so that reading a recipe,
to check its parameters, costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from errors import RecipeError
from learning.recipe import Estimator, Recipe
from tables.batch import Batch
from tables.schema import Schema
from tables.table import Table

Trees = Annotated[int, Meta(ge=1, le=2000)]
Depth = Annotated[int, Meta(ge=1, le=64)] | None
Leaf = Annotated[int, Meta(ge=1, le=10_000)]
Rounds = Annotated[int, Meta(ge=1, le=2000)]
Leaves = Annotated[int, Meta(ge=2, le=1024)]
Rate = Annotated[float, Meta(gt=0, le=1)]
Strength = Annotated[float, Meta(gt=0, le=1e6)]
Iterations = Annotated[int, Meta(ge=1, le=100_000)]

# From this many one-hot columns on, most of them are kept as the zeros that they are.
SPARSE_WIDTH = 200
# The commonest words and pairs of words of a text feature; the rest say little for their weight.
MOST_WORDS = 20_000
# Trees draw columns by chance: among thousands of words they would hardly see the other features.
MOST_TREE_WORDS = 200


@dataclass(frozen=True)
class Candidates:
    """Estimators of which `learning.training.choose` takes the one best in cross-validation."""

    estimators: Mapping[str, Estimator]
    seed: int


def estimator_input(batch: Batch) -> NDArray[Any]:
    """Return what the pipelines take: the matrix, or with texts an object array, texts last."""
    if not batch.texts:
        return batch.matrix
    rows, width = batch.matrix.shape
    table = np.empty((rows, width + len(batch.texts)), dtype=object)
    table[:, :width] = batch.matrix
    for index, column in enumerate(batch.texts):
        table[:, width + index] = column
    return table


def forest(
    schema: Schema,
    seed: int,
    *,
    n_estimators: Trees = 200,
    max_depth: Depth = 10,
    min_samples_leaf: Leaf = 2,
) -> Estimator:
    """Return a random forest behind one-hot columns and median imputation."""
    from sklearn.ensemble import RandomForestClassifier

    classifier = RandomForestClassifier(
        n_estimators=n_estimators,
        max_depth=max_depth,
        min_samples_leaf=min_samples_leaf,
        random_state=seed,
    )
    return _pipeline(_prepare(schema, words=MOST_TREE_WORDS), classifier)


def boosting(
    schema: Schema,
    seed: int,
    *,
    max_iter: Rounds = 100,
    learning_rate: Rate = 0.1,
    max_leaf_nodes: Leaves = 31,
    min_samples_leaf: Leaf = 20,
) -> Estimator:
    """Return gradient-boosted trees over the matrix as it is: they split codes and missing values.

    Raises RecipeError for a signature with text, which they do not read.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    if schema.texts:
        raise RecipeError(f"boosting reads no text, and {schema.texts[0].name} is text")
    classifier = HistGradientBoostingClassifier(
        max_iter=max_iter,
        learning_rate=learning_rate,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min_samples_leaf,
        early_stopping=False,
        random_state=seed,
    )
    return _pipeline("passthrough", classifier)


def logistic(
    schema: Schema, seed: int, *, C: Strength = 1.0, max_iter: Iterations = 1000
) -> Estimator:
    """Return a logistic regression behind one-hot columns, median imputation and scaling."""
    from sklearn.linear_model import LogisticRegression

    classifier = LogisticRegression(C=C, max_iter=max_iter, random_state=seed)
    return _pipeline(_prepare(schema, scaled=True), classifier)


def auto(schema: Schema, seed: int) -> Candidates:
    """Return all of these that fit the signature, as candidates."""
    makers: dict[str, Callable[..., Estimator]] = {
        "forest": forest,
        "boosting": boosting,
        "logistic": logistic,
    }
    if schema.texts:
        del makers["boosting"]
    return Candidates({name: make(schema, seed) for name, make in makers.items()}, seed)


ESTIMATORS: Mapping[str, Callable[..., Estimator]] = {
    "forest": forest,
    "boosting": boosting,
    "logistic": logistic,
    "auto": auto,
}


def ready_made(
    name: str, load: Callable[[], Table], label: str, estimator: str = "forest"
) -> Recipe:
    """Return the recipe for a table of which nothing else is known. Raises RecipeError."""
    if estimator not in ESTIMATORS:
        raise RecipeError(f"there is no estimator of that name; there are {', '.join(ESTIMATORS)}")
    return Recipe(name, label, load, ESTIMATORS[estimator])


def _pipeline(prepare: Estimator, classifier: Estimator) -> Estimator:
    from sklearn.pipeline import Pipeline

    return Pipeline([("prepare", prepare), ("classifier", classifier)])


def _prepare(schema: Schema, *, scaled: bool = False, words: int = MOST_WORDS) -> Estimator:
    from sklearn.compose import ColumnTransformer

    indices = {feature.name: index for index, feature in enumerate(schema.numeric)}
    categories = [feature for feature in schema.numeric if feature.kind == "category"]
    numbers = [indices[f.name] for f in schema.numeric if f.kind != "category"]
    steps: list[tuple[str, Any, Any]] = []
    if categories:
        codes = [np.arange(len(f.categories), dtype=np.float32) for f in categories]
        sparse = sum(map(len, codes)) > SPARSE_WIDTH
        steps.append(("category", _one_hot(codes, sparse), [indices[f.name] for f in categories]))
    if numbers:
        steps.append(("number", _numbers(scaled), numbers))
    for index, feature in enumerate(schema.texts, start=len(indices)):
        steps.append((f"text {feature.name}", _words(words), index))
    return ColumnTransformer(steps)


def _one_hot(codes: list[NDArray[np.float32]], sparse: bool) -> Estimator:
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(
        categories=codes, handle_unknown="ignore", sparse_output=sparse, dtype=np.float32
    )


def _numbers(scaled: bool) -> Estimator:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    # A column may have values in the hold-out only: it is kept, so that it keeps its place.
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    return Pipeline([("impute", imputer), ("scale", StandardScaler())]) if scaled else imputer


def _words(count: int) -> Estimator:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        ngram_range=(1, 2),
        max_features=count,
        sublinear_tf=True,
        # One letter is a word too; without it a column of such has no vocabulary.
        token_pattern=r"(?u)\b\w+\b",  # noqa: S106
    )
