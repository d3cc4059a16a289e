"""Classifiers of texts by their stems: summed word frequencies, and TF-IDF weights.

Both are scikit-learn Pipelines of "prepare" and "classifier", as those of
`learning.estimators` are, over the stems of `learning.words`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from errors import RecipeError
from learning.estimators import Candidates
from learning.families.logistic import Strength
from learning.forms.sources import WeightedSums
from learning.words import stems
from tables.schema import Schema

Scorer = Literal["better", "frequencies", "tfidf"]


class ClassFrequencies(WeightedSums, TransformerMixin, BaseEstimator):
    """Turns a text's stems into one number a class: how frequent, summed up, they are in it.

    Takes a sparse matrix `[n, stems]` of which stems a text has, gives `[n, k]`.
    `frequencies_` `[k, stems]` is, by class, the share of its texts' stems that each stem has.
    """

    def fit(self, rows: Any, target: NDArray[np.intp]) -> ClassFrequencies:
        """Count every stem in the texts of each class."""
        self.classes_ = np.unique(target)
        sums = [np.asarray(rows[target == c].sum(axis=0)).ravel() for c in self.classes_]
        counts = np.array(sums, dtype=np.float64)
        self.frequencies_ = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
        return self

    def transform(self, rows: Any) -> NDArray[np.float64]:
        """Return the summed frequencies `[n, k]`."""
        return np.asarray(rows @ self.frequencies_.T)

    @property
    def weights(self) -> NDArray[np.float64]:
        """The frequencies: what the columns are weighted sums with."""
        return np.asarray(self.frequencies_)

    def get_feature_names_out(self, names: Sequence[str] | None = None) -> NDArray[Any]:
        """Return a name for each column."""
        return np.array([f"frequency in class {c}" for c in self.classes_], dtype=object)


def frequencies(schema: Schema, seed: int, *, C: Strength = 1.0) -> Pipeline:
    """Return a logistic regression on the summed frequencies of a text's words in each class.

    Of two classes these are two features, the negative and the positive. A word
    counts once a text, however often it is in it.
    """

    def words() -> Pipeline:
        counts = CountVectorizer(analyzer=stems, binary=True, dtype=np.float64)
        return Pipeline(
            [("words", counts), ("sums", ClassFrequencies()), ("scale", StandardScaler())]
        )

    return _pipeline(schema, words, LogisticRegression(C=C, random_state=seed))


def tfidf(schema: Schema, seed: int, *, C: Strength = 10.0) -> Pipeline:
    """Return a logistic regression on the TF-IDF weights of a text's words."""

    def words() -> TfidfVectorizer:
        return TfidfVectorizer(analyzer=stems)

    return _pipeline(schema, words, LogisticRegression(C=C, max_iter=1000, random_state=seed))


def words(schema: Schema, seed: int, *, scorer: Scorer = "better") -> BaseEstimator:
    """Return the named one of the two, or both as candidates: the better in cross-validation."""
    makers = {"frequencies": frequencies, "tfidf": tfidf}
    if scorer != "better":
        return makers[scorer](schema, seed)
    return Candidates({name: make(schema, seed) for name, make in makers.items()}, seed)


def _pipeline(
    schema: Schema, words: Callable[[], BaseEstimator], classifier: BaseEstimator
) -> Pipeline:
    if not schema.texts or schema.numeric:
        raise RecipeError(
            "words are counted in texts, and in nothing else: one text column at least"
        )
    steps = [(f"text {text.name}", words(), index) for index, text in enumerate(schema.texts)]
    return Pipeline([("prepare", ColumnTransformer(steps)), ("classifier", classifier)])
