"""Gradient boosting that knows categories: CatBoost, as a scikit-learn classifier over a batch.

CatBoost reads categories by their spelling; the estimator spells them from the
codes of the matrix as its runtime does, so that both give the same answers.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from errors import RecipeError
from learning.runtimes.base import Probabilities
from learning.runtimes.catboost import CatBoostRuntime, Column, Columns, catboost, read_model, table
from tables.batch import Batch
from tables.schema import Schema

Rounds = Annotated[int, Meta(ge=1, le=5000)]
Depth = Annotated[int, Meta(ge=1, le=12)]
Rate = Annotated[float, Meta(gt=0, le=1)]


class CatBoost(ClassifierMixin, BaseEstimator):
    """A CatBoost classifier; `columns` say which columns of the matrix are categories."""

    def __init__(
        self,
        columns: tuple[Column, ...] = (),
        iterations: int = 500,
        depth: int = 6,
        learning_rate: float = 0.1,
        seed: int = 0,
    ) -> None:
        self.columns = columns
        self.iterations = iterations
        self.depth = depth
        self.learning_rate = learning_rate
        self.seed = seed

    def fit(self, rows: NDArray[np.float32], target: NDArray[np.intp]) -> CatBoost:
        """Fit on a matrix `[n, d]`; `model_` then holds the bytes of a .cbm file."""
        library = catboost()
        classifier = library.CatBoostClassifier(
            iterations=self.iterations,
            depth=self.depth,
            learning_rate=self.learning_rate,
            random_seed=self.seed,
            verbose=False,
            allow_writing_files=False,
        )
        categories = [index for index, c in enumerate(self.columns) if c.spelt != "number"]
        made = table(Batch(np.asarray(rows)), self.columns)
        classifier.fit(made, target, cat_features=categories)
        self.model_: bytes = classifier._serialize_model()
        self.classes_ = np.unique(target)
        self.tree_count_ = int(classifier.tree_count_)
        self.feature_importances_ = np.asarray(classifier.get_feature_importance(), dtype=float)
        return self

    def predict_proba(self, rows: NDArray[np.float32]) -> Probabilities:
        """Return the probabilities `[n, k]`."""
        return self.runtime().probabilities(Batch(np.asarray(rows)))

    def predict(self, rows: NDArray[np.float32]) -> NDArray[Any]:
        """Return the class of each row."""
        return np.asarray(self.classes_[self.predict_proba(rows).argmax(axis=1)])

    def runtime(self) -> CatBoostRuntime:
        """Return the fitted model as the runtime that serves it."""
        return CatBoostRuntime(read_model(self.model_), self.layout())

    def layout(self) -> Columns:
        """Return what the runtime needs to know of the columns."""
        return Columns(tuple(self.columns), tuple(range(len(self.classes_))))


def category_boosting(
    schema: Schema,
    seed: int,
    *,
    iterations: Rounds = 500,
    depth: Depth = 6,
    learning_rate: Rate = 0.1,
) -> Pipeline:
    """Return CatBoost over the matrix, its categories spelt as they were in training.

    Raises DependencyError when CatBoost is not installed, RecipeError for a
    signature with text.
    """
    catboost()
    if schema.texts:
        raise RecipeError(f"CatBoost reads no text here, and {schema.texts[0].name} is text")
    columns = tuple(
        Column("category", index, feature.categories)
        if feature.kind == "category"
        else Column("number", index)
        for index, feature in enumerate(schema.numeric)
    )
    classifier = CatBoost(columns, iterations, depth, learning_rate, seed)
    return Pipeline([("prepare", "passthrough"), ("classifier", classifier)])
