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


class Shares(NamedTuple):
    """What each feature contributes `[n, count]`, and how much of its part that is `[n]`."""

    contributions: Doubles
    factors: list[float]


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

    @property
    def has_words(self) -> bool:
        """Whether a text is a part of the sum."""
        return bool(self._words)

    def parts(self, batch: Batch, output: int) -> Doubles:
        """Return the part of each feature `[n, count]` in the sum of each row."""
        found: Doubles = np.zeros((len(batch.matrix), self._count))
        if self._linear is not None and len(self._present):
            each = self._linear.terms(batch.matrix, output)
            found[:, self._present] = np.add.reduceat(
                each.take(self._order, axis=1), self._firsts, axis=1
            )
        for index, owner, words in self._words:
            found[:, owner] += [words.score(text)[output] for text in batch.texts[index]]
        return found

    def baseline(self, output: int, means: Doubles) -> float:
        """Return what the mean parts come to in the score."""
        weight, low, high = self._bounds[output]
        return weight * min(max(self._intercepts[output] + float(means.sum()), low), high)

    def contributions(self, batch: Batch, output: int, means: Doubles) -> Shares:
        """Return what each feature contributes to the score of each row.

        Where the sum is cut off, each part counts for less, all in the same proportion.
        """
        apart = self.parts(batch, output) - means
        weight, low, high = self._bounds[output]
        mean = self._intercepts[output] + float(means.sum())
        start = min(max(mean, low), high)
        # For so few numbers, Python is faster than numpy.
        factors = [
            weight * (min(max(mean + moved, low), high) - start) / moved if moved else weight
            for moved in apart.sum(axis=1).tolist()
        ]
        return Shares(apart * np.array(factors)[:, np.newaxis], factors)

    def words(
        self, batch: Batch, output: int, factors: Sequence[float]
    ) -> list[dict[int, dict[str, float]]]:
        """Return what each term of each text feature adds to the score of each row."""
        return [
            {
                owner: {
                    term: value * factor
                    for term, value in words.terms(batch.texts[index][row], output).items()
                }
                for index, owner, words in self._words
            }
            for row, factor in enumerate(factors)
        ]
