"""From scores to what is answered: probabilities, or quantities."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
# The links whose outputs are quantities.
QUANTITIES = ("identity", "exponential")


def outputs_of(link: str, scores: Doubles) -> Doubles:
    """Return the outputs for scores `[n, k]` by the link's name (see `forms/trees.py`).

    Scores of `mean` are probabilities already, of one output that of the second of two classes.
    """
    if link == "identity":
        return scores
    if link == "mean":
        return np.hstack((1.0 - scores, scores)) if scores.shape[1] == 1 else scores
    if link == "exponential":
        with np.errstate(over="ignore"):
            return np.exp(scores)
    return probabilities_of(scores)


def row_outputs(link: str, scores: list[float]) -> Doubles:
    """Return the same `[1, k]` for one row."""
    if link in QUANTITIES or (link == "mean" and len(scores) > 1):
        return outputs_of(link, np.array((scores,)))
    if link == "mean":
        return np.array(((1.0 - scores[0], scores[0]),))
    return row_probabilities(scores)


def probabilities_of(scores: Doubles) -> Doubles:
    """Return the probabilities `[n, k]` for scores `[n, k]`, or `[n, 1]` of the second of two.

    The logistic function and softmax, written so that no score overflows.
    """
    if scores.shape[1] == 1:
        small = np.exp(-np.abs(scores))
        likely, unlikely = 1.0 / (1.0 + small), small / (1.0 + small)
        positive = scores >= 0.0
        return np.hstack(
            (np.where(positive, unlikely, likely), np.where(positive, likely, unlikely))
        )
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def row_probabilities(scores: list[float]) -> Doubles:
    """Return the same `[1, k]` for one row: for so few numbers, Python is faster than numpy."""
    if len(scores) == 1:
        small = exp(-abs(scores[0]))
        pair = (small / (1.0 + small), 1.0 / (1.0 + small))
        return np.array((pair if scores[0] >= 0.0 else pair[::-1],))
    highest = max(scores)
    shares: list[Any] = [exp(s - highest) for s in scores]
    total = sum(shares)
    return np.array(([s / total for s in shares],))
