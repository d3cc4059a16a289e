"""Linear models over a batch's matrix, in double precision, with numpy and nothing else."""

from __future__ import annotations

import threading
from operator import add

import msgspec
import numpy as np

from learning.links import Doubles
from learning.runtimes.columns import Columns, Floats, Shaper
from tables.batch import Matrix

# Numbers that are scored at a time: bounds the memory of a batch.
CHUNK_NUMBERS = 500_000


class LinearModel(msgspec.Struct, frozen=True):
    """Weights `[k, columns]` and intercepts `[k]`; one output is that of the second of two classes.

    A category's column is 0 where its code is met, and 1 elsewhere.
    """

    columns: Columns
    weights: tuple[tuple[float, ...], ...]
    intercepts: tuple[float, ...]


class LinearScorer:
    """Scores rows by a linear model."""

    def __init__(self, model: LinearModel) -> None:
        self._shaper = Shaper(model.columns)
        self._take = model.columns.take
        self._weights = np.array(model.weights, np.float64).reshape(-1, self._shaper.width)
        self.intercepts = model.intercepts
        self._intercepts = np.array(model.intercepts, np.float64)
        # For so few numbers, Python is faster than numpy.
        self._starts = list(model.intercepts)
        self._lanes = threading.local()

    def row(self, matrix: Matrix) -> list[float]:
        """Return the k scores of the only row."""
        scores: list[float] = self._weights.dot(self._written(matrix)).tolist()
        return list(map(add, scores, self._starts))

    @property
    def columns(self) -> tuple[int, ...]:
        """The column of the matrix of each term."""
        return self._take

    def terms(self, matrix: Matrix, output: int) -> Doubles:
        """Return what each column of each row adds to a score `[n, columns]`."""
        if len(matrix) == 1:
            return np.asarray(self._weights[output] * self._written(matrix)[np.newaxis])
        return np.asarray(self._weights[output] * self._wide(matrix))

    def _written(self, matrix: Matrix) -> Doubles:
        """Return the columns of the only row, in an array that the next row overwrites."""
        lane: _Lane | None = getattr(self._lanes, "lane", None)
        if lane is None:
            lane = self._lanes.lane = _Lane(self._shaper)
        lane.write(matrix)
        return lane.wide

    def rows(self, matrix: Matrix) -> Doubles:
        """Return the scores `[n, k]`."""
        size = max(1, CHUNK_NUMBERS // max(1, self._shaper.width))
        starts = range(0, max(len(matrix), 1), size)
        return np.vstack([self._chunk(matrix[i : i + size]) for i in starts])

    def _chunk(self, matrix: Matrix) -> Doubles:
        return self._wide(matrix) @ self._weights.T + self._intercepts

    def _wide(self, matrix: Matrix) -> Doubles:
        plain = self._shaper.rows(matrix)
        categories = plain[:, self._shaper.numbers :]
        np.minimum(categories, 1.0, out=categories)
        return plain.astype(np.float64)


class _Lane:
    """One thread's buffers for a row."""

    def __init__(self, shaper: Shaper) -> None:
        self._row: Floats = np.empty(shaper.width, np.float32)
        self._write = shaper.row_writer(self._row)
        self._categories = self._row[shaper.numbers :]
        self.wide: Doubles = np.empty(shaper.width, np.float64)

    def write(self, matrix: Matrix) -> None:
        """Leave the row's columns in `wide`."""
        self._write(matrix)
        np.minimum(self._categories, 1.0, out=self._categories)
        self.wide[:] = self._row
