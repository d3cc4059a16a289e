"""What each feature contributes to a weighted sum: its part, less what that is in the mean.

Shapley values of a sum (Strumbelj and Kononenko, Explaining Prediction Models and Individual
Predictions with Feature Contributions, Knowledge and Information Systems 41, 2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from learning.links import Doubles
from learning.runtimes.scores import LinearScorer
from learning.runtimes.text import Terms
from tables.batch import Batch


class Bounds(NamedTuple):
    """A sum's weight in the score, and between what it is kept."""

    weight: float = 1.0
    low: float = -np.inf
    high: float = np.inf


class Features(NamedTuple):
    """The features of the matrix's columns, of the texts, and how many there are."""

    columns: Sequence[int]
    texts: Sequence[int]
    total: int


class Sum:
    """A weighted sum of columns and words, of which each feature has a part.

    `bounds` are those of each score, none where the sum is the score.
    """

    def __init__(
        self, terms: Terms | LinearScorer, features: Features, bounds: Sequence[Bounds] = ()
    ) -> None:
        self._linear = terms if isinstance(terms, LinearScorer) else terms.linear
        words = [] if isinstance(terms, LinearScorer) else terms.words
        self._words = [(index, features.texts[index], scorer) for index, scorer in words]
        self._intercepts = terms.intercepts
        self._bounds = bounds or [Bounds()] * len(terms.intercepts)
        self._count = features.total
        columns = self._linear.columns if self._linear is not None else ()
        owners = np.array([features.columns[column] for column in columns], np.intp)
        self._order = np.argsort(owners, kind="stable")
        self._firsts = np.flatnonzero(np.diff(owners[self._order], prepend=-1))
        self._present = owners[self._order][self._firsts]

    def parts(self, row: Batch, output: int) -> Doubles:
        """Return the part of each feature `[count]` in the sum of the only row."""
        found: Doubles = np.zeros(self._count)
        if self._linear is not None and len(self._present):
            each = self._linear.terms(row.matrix, output)
            found[self._present] = np.add.reduceat(each.take(self._order), self._firsts)
        for index, owner, words in self._words:
            found[owner] += words.score(row.texts[index][0])[output]
        return found

    def words(self, row: Batch, output: int, means: Doubles) -> dict[int, dict[str, float]]:
        """Return what each term of each text feature adds to the score of the only row."""
        if not self._words:
            return {}
        factor = self._moved(self.parts(row, output) - means, output, means)
        return {
            owner: {
                term: value * factor
                for term, value in words.terms(row.texts[index][0], output).items()
            }
            for index, owner, words in self._words
        }

    def baseline(self, output: int, means: Doubles) -> float:
        """Return what the mean parts come to in the score."""
        weight, low, high = self._bounds[output]
        return weight * min(max(self._intercepts[output] + float(means.sum()), low), high)

    def contributions(self, row: Batch, output: int, means: Doubles) -> Doubles:
        """Return what each feature contributes `[count]` to the score of the only row."""
        apart = self.parts(row, output) - means
        return np.asarray(apart * self._moved(apart, output, means))

    def _moved(self, apart: Doubles, output: int, means: Doubles) -> float:
        """Return by what each part counts in the score: less, where the sum is cut off."""
        weight, low, high = self._bounds[output]
        mean, moved = self._intercepts[output] + float(means.sum()), float(apart.sum())
        start, end = min(max(mean, low), high), min(max(mean + moved, low), high)
        return weight * (end - start) / moved if moved else weight
