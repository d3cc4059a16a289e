"""How much each part of the default learner counts, by what it answered on rows it never saw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from learning.additive.losses import Doubles, Link

# Pulls the weights, per row, towards where they begin: few rows cannot tell them apart.
PULL = 1.0
# A part is left out where the others do without it: its gain is below so many standard errors,
# or below this share of the loss.
NOISE, LEAST_GAIN = 0.25, 5e-4


class Pool(NamedTuple):
    """A weight, never negative, for each part, and what is added to each score `[k]`.

    `loss` is that of the rows that it was found on, `constant` that of answering them all alike.
    """

    weights: dict[str, float]
    base: Doubles
    loss: float
    constant: float


def pool(parts: Mapping[str, Doubles], values: NDArray[Any], link: Link) -> Pool:
    """Return the pool of parts, whose scores `[n, k]` were made out of fold.

    With no weights at all every row gets the same answer: where the parts tell nothing, the
    pool comes near to that.
    """
    best = _fitted(parts, values, link)
    for name in sorted(parts, key=lambda name: best.weights[name]):
        kept = {other: scores for other, scores in parts.items() if best.weights.get(other, 0) > 0}
        kept.pop(name, None)
        if not kept:
            break
        fewer = _fitted(kept, values, link)
        if best.weights[name] == 0.0 or _is_noise(fewer, best, parts, values, link):
            best = fewer._replace(weights={**dict.fromkeys(parts, 0.0), **fewer.weights})
    return best


def scores_of(parts: Mapping[str, Doubles], found: Pool) -> Doubles:
    """Return the scores `[n, k]` that a pool makes of its parts'."""
    rows = len(next(iter(parts.values())))
    total: Doubles = np.tile(found.base, (rows, 1))
    for name, weight in found.weights.items():
        total += weight * parts[name] if weight else 0.0
    return total


def _is_noise(
    fewer: Pool, more: Pool, parts: Mapping[str, Doubles], values: NDArray[Any], link: Link
) -> bool:
    gains = link.losses(scores_of(parts, fewer), values) - link.losses(
        scores_of(parts, more), values
    )
    gain, error = float(gains.mean()), float(gains.std() / np.sqrt(len(gains)))
    return gain < max(NOISE * error, LEAST_GAIN * more.loss)


def _fitted(parts: Mapping[str, Doubles], values: NDArray[Any], link: Link) -> Pool:
    """Minimise the loss by weights and base.

    Scores count from the best constant answer: with small weights every row comes near to
    it. Of many classes there is no other base to be found, which rare ones would bend. The
    loss is in units of the constant's, so that one tolerance and one pull fit every target.
    """
    names = list(parts)
    stacked = np.stack([parts[name] for name in names])
    rows, outputs = stacked.shape[1:]
    constant = link.constant(values, outputs)
    away = stacked - constant
    alone = float(link.losses(np.tile(constant, (rows, 1)), values).mean())
    scale, pull = max(alone, 1e-12), PULL / rows
    begin = np.full(len(names), 1.0 / len(names))
    free = outputs if link.name != "softmax" else 0

    def objective(point: Doubles) -> tuple[float, Doubles]:
        weights, base = point[: len(names)], point[len(names) :]
        scores = constant + np.tensordot(weights, away, 1) + (base if free else 0.0)
        loss, slope = link.slope(scores, values)
        off = weights - begin
        by_weights = np.tensordot(away, slope, 2) / scale + 2.0 * pull * off
        by_base = slope.sum(axis=0) / scale if free else np.empty(0)
        return loss / scale + pull * float(off @ off), np.concatenate([by_weights, by_base])

    first = np.concatenate([begin, np.zeros(free)])
    bounds = [(0.0, None)] * len(names) + [(None, None)] * free
    found = minimize(objective, first, jac=True, method="L-BFGS-B", bounds=bounds).x
    weights, base = found[: len(names)], found[len(names) :] if free else 0.0
    named = dict(zip(names, weights.tolist(), strict=True))
    result = Pool(named, constant * (1.0 - weights.sum()) + base, 0.0, alone)
    loss = float(link.losses(scores_of(parts, result), values).mean())
    if loss < alone:
        return result._replace(loss=loss)
    return Pool(dict.fromkeys(names, 0.0), constant, alone, alone)
