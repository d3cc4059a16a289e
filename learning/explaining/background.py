"""A background sample: which conditions of each leaf hold for the rows that answers are beside.

Contributions against a sample are how the score differs from that of its rows, feature by feature
(interventional: Janzing, Minorics and Bloebaum, Feature Relevance Quantification in Explainable
AI: A Causal Problem, AISTATS 2020). What is kept of it are patterns of each leaf for itself, and
for how many rows each holds: no row, and no value of a row.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from learning.explaining.bins import Conditions
from learning.explaining.paths import Doubles, Ints, Paths
from learning.forms.sources import CannotFold
from tables.batch import Matrix

# Conditions of a leaf, which are bits of a number; patterns of all leaves.
MOST_CONDITIONS, MOST_PATTERNS = 63, 4_000_000

Patterns = NDArray[np.uint64]


class Background(NamedTuple):
    """The patterns of each leaf `[E]`, from `starts[leaf]` on `[L + 1]`, and their shares."""

    starts: Ints
    patterns: Patterns
    shares: Doubles

    @property
    def leaves(self) -> Ints:
        """The leaf of each pattern."""
        return np.repeat(np.arange(len(self.starts) - 1, dtype=np.int32), np.diff(self.starts))

    def of(self, leaves: NDArray[np.bool_]) -> Background:
        """Return the patterns of some leaves."""
        kept = leaves[self.leaves]
        starts = np.concatenate([[0], np.cumsum(np.diff(self.starts)[leaves])])
        return Background(starts.astype(np.int32), self.patterns[kept], self.shares[kept])

    def chances(self, leaves: NDArray[np.intp], count: int) -> Doubles:
        """Return how likely each pattern is `[n, 2 ** count]`, of leaves of `count` conditions."""
        place = np.full(len(self.starts) - 1, -1, np.intp)
        place[leaves] = np.arange(len(leaves))
        rows = place[self.leaves]
        found = np.zeros((len(leaves), 1 << count))
        found[rows[rows >= 0], self.patterns[rows >= 0].astype(np.intp)] = self.shares[rows >= 0]
        return found


class KeptBackground(msgspec.Struct, frozen=True):
    """The patterns as they are kept, with the number of rows of each."""

    rows: int
    starts: bytes
    patterns: bytes
    counts: bytes

    def background(self) -> Background:
        """Return the arrays. Raises ValueError for bytes that are no such arrays."""
        counts = np.frombuffer(self.counts, "|u1")
        starts = np.frombuffer(self.starts, "<i4")
        return Background(starts, np.frombuffer(self.patterns, "<u8"), counts / self.rows)


def background_of(paths: Paths, matrix: Matrix) -> KeptBackground:
    """Return the patterns of a sample's rows `[n, columns]`.

    Raises CannotFold for paths of too many features, and for too many patterns.
    """
    if paths.most > MOST_CONDITIONS:
        raise CannotFold(f"a path has more than {MOST_CONDITIONS} features")
    conditions, places = Conditions(paths), paths.places.astype(np.uint64)
    found = np.zeros((len(matrix), len(paths.values)), np.uint64)
    for row, values in enumerate(matrix.tolist()):
        bits = conditions.of_row(values).astype(np.uint64) << places
        np.bitwise_or.at(found[row], paths.leaves, bits)
    found.sort(axis=0)
    # The first of each run of equal patterns of a leaf; leaf by leaf.
    first = np.vstack([np.ones((1, found.shape[1]), np.bool_), found[1:] != found[:-1]]).T
    leaves, rows = np.nonzero(first)
    if len(leaves) > MOST_PATTERNS:
        raise CannotFold(f"its leaves have more than {MOST_PATTERNS} patterns of the sample")
    ends = np.append(rows[1:], 0)
    ends[np.append(leaves[1:] != leaves[:-1], True)] = len(matrix)
    starts = np.concatenate([[0], np.cumsum(first.sum(axis=1))])
    return KeptBackground(
        len(matrix),
        starts.astype("<i4").tobytes(),
        found.T[first].astype("<u8").tobytes(),
        (ends - rows).astype("|u1").tobytes(),
    )
