"""How frequent a tweet's words, summed up, are in each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from learning.forms.sources import WeightedSums
from recipes.tweets.words import analyser


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


def summed_frequencies() -> Pipeline:
    """Return the steps from a text to its scaled frequencies."""
    counts = CountVectorizer(analyzer=analyser(), binary=True, dtype=np.float64)
    return Pipeline([("words", counts), ("sums", ClassFrequencies()), ("scale", StandardScaler())])
