"""How far a quantity is from what is predicted: intervals with honest coverage.

Split conformal prediction: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, Distribution-Free
Predictive Inference for Regression (JASA 2018), with residuals out of fold.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

# So many residuals are kept of all; between two of them the larger is taken.
MOST_KEPT = 1000
# Under this name they stand in a model's info.
INTERVALS = "intervals"
LEVEL = 0.9


class LevelError(Exception):
    """A level that too few rows were learnt from; the text says which is the highest."""


class Intervals(msgspec.Struct, frozen=True):
    """The sizes of residuals out of fold, in order, of so many rows.

    `relative`: they are of logarithms, and bounds are factors.
    """

    residuals: tuple[float, ...]
    rows: int
    relative: bool = False

    def bounds(self, values: Doubles, level: float) -> tuple[Doubles, Doubles]:
        """Return the bounds `[n]` that so many of a hundred values are between.

        Raises LevelError where too few rows were answered out of fold.
        """
        rank = ceil((self.rows + 1) * level)
        if rank > self.rows:
            highest = self.rows / (self.rows + 1)
            raise LevelError(f"interval: expected at most {highest:.4g}, by {self.rows} rows")
        kept = len(self.residuals)
        width = self.residuals[min(kept - 1, ceil(rank * kept / self.rows) - 1)]
        if self.relative:
            sides = np.sort([values * np.exp(-width), values * np.exp(width)], axis=0)
            return sides[0], sides[1]
        return values - width, values + width

    def metrics(self, values: Doubles, truth: Doubles) -> dict[str, Any]:
        """Return how the interval of LEVEL does on rows not learnt from, JSON-ready."""
        try:
            low, high = self.bounds(values, LEVEL)
        except LevelError:
            return {}
        inside = (low <= truth) & (truth <= high)
        tail = (1 - LEVEL) / 2
        pinball = (_pinball(truth - low, tail) + _pinball(truth - high, 1 - tail)) / 2
        found = {
            "level": LEVEL,
            "coverage": float(inside.mean()),
            "mean_width": float((high - low).mean()),
        }
        return {"pinball_loss": pinball, "interval": found}


def intervals_of(truth: Doubles, values: Doubles, relative: bool = False) -> Intervals:
    """Return the intervals of rows answered out of fold: what is true `[n]`, and was said `[n]`."""
    apart = np.log(truth) - np.log(values) if relative else truth - values
    sizes = np.sort(np.abs(apart))
    kept = min(MOST_KEPT, len(sizes))
    indices = np.ceil(np.arange(1, kept + 1) * len(sizes) / kept).astype(int) - 1
    return Intervals(tuple(sizes[indices].tolist()), len(sizes), relative)


def _pinball(apart: Doubles, quantile: float) -> float:
    return float(np.maximum(quantile * apart, (quantile - 1) * apart).mean())
