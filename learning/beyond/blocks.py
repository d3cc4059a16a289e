"""Blocks: rows to learn from, kept on disk, of which a forest has one in memory at a time.

A forest learns some rounds from one block, then some from the next, as stochastic gradient
boosting does (Friedman, Stochastic Gradient Boosting, Computational Statistics and Data
Analysis 38, 2002). Values are put into bins once, by the first block's; a bin is one byte.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learning.additive.budget import Budget
from learning.additive.grown import Growing
from learning.additive.parts import PATIENCE
from learning.beyond.sides import Sided

# Of several blocks each is learnt from for so many rounds, and then the next.
ROUNDS = 50
# A block is settled so many rows at a time.
_ROWS = 50_000


class Curve:
    """A callback of LightGBM's that keeps the losses of held rows, and ends a forest."""

    order = 30
    before_iteration = False

    def __init__(self, budget: Budget) -> None:
        self._budget, self._end = budget, budget.share()
        self.losses: list[float] = []
        self.is_over = False

    @property
    def best(self) -> int:
        """After how many rounds the loss is least."""
        return int(np.argmin(self.losses)) + 1

    def __call__(self, environment: Any) -> None:
        """Take the loss of a round in; end the forest where it is over."""
        import lightgbm

        self.losses.append(environment.evaluation_result_list[0][2])
        stale = len(self.losses) - self.best >= PATIENCE
        if stale or self._budget.over(self._end):
            self.is_over = True
            raise lightgbm.callback.EarlyStopException(environment.iteration, [])


class Blocks:
    """The rows of each block in a file that has no name: it is gone when the process is."""

    asks = False

    def __init__(self, columns: int, blocks: int) -> None:
        self._columns = columns
        self._files = [tempfile.TemporaryFile() for _ in range(blocks)]  # noqa: SIM115
        self._values: list[list[NDArray[Any]]] = [[] for _ in range(blocks)]
        self._counts = [0] * blocks

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(self._counts)

    def add(self, sided: Sided) -> None:
        """Deal the rows of a chunk that are to be learnt from to their blocks."""
        matrix, values = sided.learnt.batch.matrix, sided.learnt.values
        for index, file in enumerate(self._files):
            rows = np.flatnonzero(sided.blocks == index)
            if len(rows):
                file.write(np.ascontiguousarray(matrix[rows]).tobytes())
                self._values[index].append(values[rows].astype(np.float32))
                self._counts[index] += len(rows)

    def close(self) -> None:
        """Give the disk back."""
        for file in self._files:
            file.close()

    def settle(self, fills: Mapping[int, float], left_out: Sequence[int]) -> None:
        """Fill in what is missing by column, and empty the columns that no tree reads, on disk."""
        if not fills and not left_out:
            return
        for index in range(len(self._files)):
            matrix = self._matrix(index, "r+")
            for start in range(0, len(matrix), _ROWS):
                part = matrix[start : start + _ROWS]
                for column, value in fills.items():
                    part[np.isnan(part[:, column]), column] = value
                part[:, list(left_out)] = 0.0

    def grow(self, forest: Growing, budget: Budget) -> str:
        """Return the text of a forest that learns while held rows are answered better."""
        import lightgbm

        filled = [index for index, count in enumerate(self._counts) if count]
        curve = Curve(budget)
        model: Any = None
        like: Any = None
        while not curve.is_over and len(curve.losses) < forest.rounds:
            visit = len(curve.losses) // ROUNDS
            index = filled[visit % len(filled)]
            matrix, values = self._matrix(index), forest.bring(np.concatenate(self._values[index]))
            settings = {**forest.settings, "seed": forest.settings["seed"] + visit}
            common: dict[str, Any] = {
                "categorical_feature": [*forest.categories],
                "params": settings,
            }
            data = lightgbm.Dataset(matrix, values, reference=like, **common)
            model = lightgbm.train(
                settings,
                data,
                ROUNDS if len(filled) > 1 else forest.rounds,
                valid_sets=[lightgbm.Dataset(*forest.held, reference=data, **common)],
                init_model=model,
                callbacks=[curve],
            )
            like = data if like is None else like
        text: str = model.model_to_string(num_iteration=curve.best)
        return text

    def _matrix(self, index: int, mode: Any = "r") -> NDArray[np.float32]:
        shape = (self._counts[index], self._columns)
        self._files[index].flush()
        return np.memmap(self._files[index], np.float32, mode, shape=shape)
