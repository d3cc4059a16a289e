"""How good a learner's answers to a fold are, and how learners compare over many tables."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean, median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SMALLEST = float(np.finfo(np.float32).eps)
BINS = 10

Doubles = NDArray[np.float64]


class Score(NamedTuple):
    """Log loss or root mean squared error; area under the curve and calibration error of classes.

    `cpu` are seconds for learning, `row` microseconds for a row asked alone.
    """

    loss: float
    cpu: float
    row: float
    auc: float | None = None
    error: float | None = None


def of_classes(outputs: Doubles, truth: NDArray[np.intp], cpu: float, row: float) -> Score:
    """Score probabilities `[n, k]`, none of which counts as 0 or 1; `truth` are indices `[n]`."""
    sure = np.clip(outputs, SMALLEST, 1 - SMALLEST)
    sure /= sure.sum(axis=1, keepdims=True)
    loss = float(-np.log(sure[np.arange(len(truth)), truth]).mean())
    return Score(loss, cpu, row, _auc(sure, truth), calibration_error(sure, truth))


def of_quantities(outputs: Doubles, truth: Doubles, cpu: float, row: float) -> Score:
    """Score values `[n]`."""
    return Score(float(np.sqrt(np.mean((outputs - truth) ** 2))), cpu, row)


def calibration_error(sure: Doubles, truth: NDArray[np.intp]) -> float:
    """Return how far, in the mean, the predicted class's probability is from its frequency.

    Over ten bins with as many rows each: expected calibration error with equal mass
    (Nixon et al., Measuring Calibration in Deep Learning, 2019).
    """
    winners = sure.argmax(axis=1)
    confidence, right = sure.max(axis=1), winners == truth
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, min(BINS, len(order)))
    apart = (abs(confidence[p].mean() - right[p].mean()) * len(p) for p in parts)
    return float(sum(apart) / len(truth))


def _auc(sure: Doubles, truth: NDArray[np.intp]) -> float | None:
    from sklearn.metrics import roc_auc_score

    if len(np.unique(truth)) < sure.shape[1]:
        return None
    if sure.shape[1] == 2:
        return float(roc_auc_score(truth, sure[:, 1]))
    return float(roc_auc_score(truth, sure, multi_class="ovr", average="macro"))


# A table's name and a fold of it.
Place = tuple[str, int]
Found = Mapping[Place, Mapping[str, Score]]


class Standing(NamedTuple):
    """A learner over the folds of tables that it and the first one answered.

    `ratio` is the geometric mean of its loss over the first learner's; `rank` its mean
    rank among those compared; `cpu` and `row` are medians.
    """

    tables: int
    folds: int
    ratio: float
    rank: float | None
    error: float | None
    cpu: float
    row: float


def standings(found: Found, learners: list[str], ranked: list[str]) -> dict[str, Standing]:
    """Return each learner's standing.

    Ranks are among `ranked`, over the folds that all of them answered.
    """
    whole = [scores for scores in found.values() if all(name in scores for name in ranked)]
    ranks = [_ranks({name: scores[name].loss for name in ranked}) for scores in whole]
    return {
        name: _standing(name, learners[0], found, [one[name] for one in ranks if name in ranked])
        for name in learners
        if any(name in scores and learners[0] in scores for scores in found.values())
    }


def _standing(name: str, first: str, found: Found, ranks: list[float]) -> Standing:
    both = {place: scores for place, scores in found.items() if name in scores and first in scores}
    pairs = [(scores[name], scores[first]) for scores in both.values()]
    ratios = [np.log(max(own.loss, 1e-9) / max(other.loss, 1e-9)) for own, other in pairs]
    errors = [own.error for own, _ in pairs if own.error is not None]
    return Standing(
        len({table for table, _ in both}),
        len(both),
        float(np.exp(fmean(ratios))),
        fmean(ranks) if ranks else None,
        fmean(errors) if errors else None,
        median(own.cpu for own, _ in pairs),
        median(own.row for own, _ in pairs),
    )


def _ranks(losses: Mapping[str, float]) -> dict[str, float]:
    """Return each one's rank, 1 for the least loss; equal ones share the mean of theirs."""
    values = np.array(list(losses.values()))
    below = (values[None, :] < values[:, None]).sum(axis=1)
    same = (values[None, :] == values[:, None]).sum(axis=1)
    return dict(zip(losses, (below + (same + 1) / 2).tolist(), strict=True))


def truth_of(target: list[str], classes: list[str] | None) -> NDArray[Any]:
    """Return the values asked for: of classes their indices in a learner's own order."""
    if classes is None:
        return np.array(target, np.float64)
    index = {name: i for i, name in enumerate(classes)}
    return np.array([index[name] for name in target])
