"""How good a model is on rows that it has not seen, and whether it may replace the champion."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    roc_auc_score,
)

from tables.schema import Label

BINS = 10
RESAMPLES = 2000
# Two forms of one model, compiled and not, differ by rounding: that makes neither the better.
ROUNDING = 1e-6
INTERVAL = 0.95
# Probabilities are served as 32-bit floats: what they cannot tell from 0 or 1 is not told here.
# Without it, a forest's rare 0 for what did happen would outweigh every other row.
SMALLEST = float(np.finfo(np.float32).eps)

Doubles = NDArray[np.float64]
Classes = NDArray[np.intp]


def evaluate(probabilities: NDArray[np.floating], target: Classes, label: Label) -> dict[str, Any]:
    """Return the metrics of probabilities `[n, k]` against the class indexes `[n]`, JSON-ready.

    Of two classes the second is the positive one. Of more, ROC AUC is the mean
    of each class against the rest, F1 the mean over classes, and the Brier score
    the mean squared distance summed over classes (0 to 2). The rows of the
    confusion matrix are true classes, its columns predicted ones.
    """
    sure = normalised(probabilities)
    predicted = sure.argmax(axis=1)
    indices = range(len(label.classes))
    two = len(label.classes) == 2
    average = "binary" if two else "macro"
    return {
        "roc_auc": _roc_auc(target, sure),
        "log_loss": float(log_loss(target, sure, labels=indices)),
        "brier_score": _brier_score(target, sure),
        "accuracy": float(accuracy_score(target, predicted)),
        "balanced_accuracy": float(balanced_accuracy_score(target, predicted)),
        "f1": float(f1_score(target, predicted, average=average, zero_division=0.0)),
        "confusion_matrix": confusion_matrix(target, predicted, labels=indices).tolist(),
        "calibration": calibration(sure, target),
    }


def normalised(probabilities: NDArray[np.floating]) -> Doubles:
    """Return probabilities `[n, k]` that add up to 1 in each row, none of them 0 or 1."""
    clipped = np.clip(probabilities.astype(np.float64), SMALLEST, 1 - SMALLEST)
    sure: Doubles = clipped / clipped.sum(axis=1, keepdims=True)
    return sure


def _roc_auc(target: Classes, sure: Doubles) -> float:
    if sure.shape[1] == 2:
        return float(roc_auc_score(target, sure[:, 1]))
    return float(roc_auc_score(target, sure, multi_class="ovr", average="macro"))


def _brier_score(target: Classes, sure: Doubles) -> float:
    if sure.shape[1] == 2:
        return float(brier_score_loss(target, sure[:, 1]))
    return float(brier_score_loss(target, sure, labels=range(sure.shape[1])))


def calibration(sure: Doubles, target: Classes) -> list[dict[str, float]]:
    """Return, by decile of the predicted probability, what was predicted and what came true.

    Of two classes it is the second one's probability; of more, that of the
    predicted class, and whether the prediction was right.
    """
    if sure.shape[1] == 2:
        predicted, happened = sure[:, 1], target == 1
    else:
        predicted, happened = sure.max(axis=1), sure.argmax(axis=1) == target
    order = np.argsort(predicted, kind="stable")
    return [
        {
            "count": len(members),
            "mean_predicted": float(predicted[members].mean()),
            "fraction_observed": float(happened[members].mean()),
        }
        for members in np.array_split(order, min(BINS, len(order)))
    ]


class Comparison(msgspec.Struct, frozen=True):
    """How a challenger did against the champion on the same rows.

    `difference` is the challenger's log loss less the champion's (below 0: it is
    better), `interval` where 95 of 100 resamples have it, `share` the share of
    resamples in which the challenger is at least as good.
    """

    at_least_as_good: bool
    champion_log_loss: float
    challenger_log_loss: float
    difference: float
    interval: tuple[float, float]
    share: float
    resamples: int
    rows: int


def is_at_least_as_good(
    champion: NDArray[np.floating],
    challenger: NDArray[np.floating],
    target: Classes,
    seed: int,
) -> Comparison:
    """Compare two models' probabilities `[n, k]` for the same rows, by paired bootstrap.

    The rows are drawn again with replacement, 2,000 times; the challenger is at
    least as good if its log loss is no greater in at least half of the draws.
    Paired bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap
    (1993), chapter 16.
    """
    before, after = _losses(champion, target), _losses(challenger, target)
    draws = _resampled_means(after - before, seed)
    share = float((draws <= ROUNDING).mean())
    tail = (1 - INTERVAL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail]).tolist()
    return Comparison(
        at_least_as_good=share >= 0.5,
        champion_log_loss=float(before.mean()),
        challenger_log_loss=float(after.mean()),
        difference=float((after - before).mean()),
        interval=(low, high),
        share=share,
        resamples=RESAMPLES,
        rows=len(target),
    )


def _losses(probabilities: NDArray[np.floating], target: Classes) -> Doubles:
    losses: Doubles = -np.log(normalised(probabilities)[np.arange(len(target)), target])
    return losses


def _resampled_means(values: Doubles, seed: int) -> Doubles:
    """Return the mean of each resample; one at a time, for a hold-out may be large."""
    random = np.random.default_rng(seed)
    count = len(values)
    draws = (values[random.integers(0, count, count)].mean() for _ in range(RESAMPLES))
    return np.fromiter(draws, dtype=np.float64, count=RESAMPLES)
