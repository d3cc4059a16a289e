"""Quality: what is kept of the answers on the hold-out, for pages to draw; no row of it.

Everything is a count or a quantile, and bounded whatever the table. Of two classes the
second is the positive one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from learning.intervals import Intervals, LevelError
from learning.members import read_member
from learning.prediction import Outputs
from learning.task import Doubles
from learning.tasks import task_of
from tables.dataset import Dataset

MEMBER = "quality.json"
# Thresholds are these hundredths, and so many steps along the ROC curve.
HUNDREDTHS, STEPS = 100, 100
# Bars of a histogram; cells of a side of predicted against true; groups of what is predicted.
BARS, SIDE, GROUPS = 20, 32, 10
# Of more classes the commonest are kept one by one, the others together.
MOST_CLASSES = 20
MOST_RANKS = 10
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
LEVELS = (0.5, 0.8, 0.9, 0.95)
DIGITS = 6
# A quantity whose hundredth part is so many times its median is drawn by its logarithm.
SKEWED = 6.0

Integers = NDArray[np.integer[Any]]
Counts = tuple[int, ...]
Numbers = tuple[float, ...]


class Cuts(msgspec.Struct, frozen=True):
    """Of two classes: how many rows of each have a probability above each threshold.

    `rows` are those of each class, `above` by class and ascending threshold, `bars` by class
    and twentieth of the probability.
    """

    rows: tuple[int, int]
    thresholds: Numbers
    above: tuple[Counts, Counts]
    bars: tuple[Counts, Counts]


class Confusion(msgspec.Struct, frozen=True):
    """Of more classes: rows by true and predicted class, `[kept + 1, kept + 1]`.

    `classes` are the indices of those kept; the last row and column are all others.
    `ranks` says how many rows had their true class answered first, second and so on.
    """

    classes: Counts
    counts: tuple[Counts, ...]
    ranks: Counts


class Group(msgspec.Struct, frozen=True, array_like=True):
    """Rows of about the same predicted value: how many, the means, and true minus predicted."""

    rows: int
    predicted: float
    true: float
    low: float
    median: float
    high: float


class Residuals(msgspec.Struct, frozen=True):
    """Of a quantity: predicted against true, and what is true less what was predicted.

    `cells` are (true, predicted, rows) on a square of SIDE cells a side, from `low` to `high`;
    what is beyond is in the outermost. `quantiles` are those of the residuals at QUANTILES,
    `true` those of the quantity. `bars` count residuals from `bars_low` to `bars_high`.
    `coverage` has by level the share that its interval held, and its mean width.
    """

    low: float
    high: float
    logarithmic: bool
    cells: tuple[tuple[int, int, int], ...]
    quantiles: Numbers
    true: Numbers
    bars_low: float
    bars_high: float
    bars: Counts
    groups: tuple[Group, ...]
    coverage: tuple[tuple[float, float, float], ...] = ()


class Quality(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answers on so many rows that nothing was learnt from; the part that applies is there."""

    rows: int
    cuts: Cuts | None = None
    confusion: Confusion | None = None
    residuals: Residuals | None = None


def quality_of(holdout: Dataset, outputs: Outputs, intervals: Intervals | None = None) -> Quality:
    """Return what is kept of a model's outputs `[n, width]` on the hold-out."""
    target, values = holdout.schema.target, holdout.target
    sure = task_of(target).bounded(outputs)
    if not target.classes:
        residuals = _residuals(sure[:, 0], np.asarray(values, np.float64), intervals)
        return Quality(holdout.rows, residuals=residuals)
    if len(target.classes) == 2:
        return Quality(holdout.rows, cuts=_cuts(sure[:, 1], values))
    return Quality(holdout.rows, confusion=_confusion(sure, values))


def dump(quality: Quality) -> dict[str, bytes]:
    """Return the member that keeps it."""
    return {MEMBER: msgspec.json.encode(quality)}


def load(members: Mapping[str, bytes]) -> Quality | None:
    """Return what an artifact's members keep; None where they keep none. Raises ArtifactDamaged."""
    return read_member(members, MEMBER, Quality)


# ---------------------------------------------------------------- two classes


def _cuts(score: Doubles, values: Integers) -> Cuts:
    parts = [np.sort(score[values == index]) for index in (0, 1)]
    thresholds = _thresholds(*parts)
    above = [len(part) - np.searchsorted(part, thresholds, side="right") for part in parts]
    bars = [np.histogram(part, BARS, (0.0, 1.0))[0] for part in parts]
    return Cuts(
        rows=(len(parts[0]), len(parts[1])),
        thresholds=tuple(thresholds.tolist()),
        above=(_counts(above[0]), _counts(above[1])),
        bars=(_counts(bars[0]), _counts(bars[1])),
    )


def _thresholds(first: Doubles, second: Doubles) -> Doubles:
    """Return the hundredths, and thresholds at even steps along the ROC curve, in order."""
    grid = np.arange(HUNDREDTHS + 1) / HUNDREDTHS
    distinct = np.unique(np.concatenate([first, second]))
    between = distinct[:-1] / 2 + distinct[1:] / 2
    if not len(between):
        return grid
    walked = sum(np.searchsorted(part, between) / max(1, len(part)) for part in (first, second))
    chosen = np.searchsorted(walked, np.linspace(0.0, 2.0, STEPS + 1)[1:-1])
    chosen = np.unique(chosen.clip(max=len(between) - 1))
    return np.unique(np.concatenate([grid, np.round(between[chosen], DIGITS)]))


# ---------------------------------------------------------------- more classes


def kept_classes(values: Integers, classes: int) -> NDArray[np.intp]:
    """Return the indices of the classes that most rows have, in order; of few, all."""
    totals = np.bincount(values, minlength=classes)
    return np.sort(np.argsort(-totals, kind="stable")[:MOST_CLASSES])


def _confusion(sure: Doubles, values: Integers) -> Confusion:
    kept = kept_classes(values, sure.shape[1])
    places = np.full(sure.shape[1], len(kept))
    places[kept] = np.arange(len(kept))
    side = len(kept) + 1
    cells = places[values] * side + places[sure.argmax(axis=1)]
    counts = np.bincount(cells, minlength=side**2).reshape(side, side)
    own = sure[np.arange(len(values)), values]
    ranks = np.bincount((sure > own[:, np.newaxis]).sum(axis=1))[:MOST_RANKS]
    return Confusion(_counts(kept), tuple(map(_counts, counts)), _counts(ranks))


# ---------------------------------------------------------------- a quantity


def _residuals(predicted: Doubles, true: Doubles, intervals: Intervals | None) -> Residuals:
    residuals = true - predicted
    low, high, logarithmic = _scale(predicted, true)
    bars_low, bars_high = _ends(residuals, 0.01)
    clipped = residuals.clip(bars_low, bars_high)
    bars = np.histogram(clipped, BARS, (bars_low, bars_high))[0]
    return Residuals(
        low=low,
        high=high,
        logarithmic=logarithmic,
        cells=_cells(predicted, true, low, high, logarithmic),
        quantiles=_numbers(np.quantile(residuals, QUANTILES)),
        true=_numbers(np.quantile(true, QUANTILES)),
        bars_low=bars_low,
        bars_high=bars_high,
        bars=_counts(bars),
        groups=_groups(predicted, true),
        coverage=() if intervals is None else _coverage(predicted, true, intervals),
    )


def _scale(predicted: Doubles, true: Doubles) -> tuple[float, float, bool]:
    """Return the ends of both axes, and whether they run by the logarithm."""
    low, high = _ends(np.concatenate([predicted, true]), 0.005)
    middle = float(np.median(true))
    logarithmic = low > 0 and float(np.quantile(true, 0.99)) > SKEWED * middle
    return low, high, logarithmic


def _ends(values: Doubles, tail: float) -> tuple[float, float]:
    low, high = _numbers(np.quantile(values, [tail, 1 - tail]))
    beside = max(0.5, abs(low) / 100)
    return (low, high) if low < high else (low - beside, high + beside)


def _cells(
    predicted: Doubles, true: Doubles, low: float, high: float, logarithmic: bool
) -> tuple[tuple[int, int, int], ...]:
    ends = np.log([low, high]) if logarithmic else np.array([low, high])

    def places(values: Doubles) -> NDArray[np.intp]:
        within = values.clip(low, high)
        scaled = np.log(within) if logarithmic else within
        shares = (scaled - ends[0]) / (ends[1] - ends[0])
        return np.asarray((shares * SIDE).astype(np.intp).clip(0, SIDE - 1))

    found, counts = np.unique(places(true) * SIDE + places(predicted), return_counts=True)
    rows = zip((found // SIDE).tolist(), (found % SIDE).tolist(), counts.tolist(), strict=True)
    return tuple(rows)


def _groups(predicted: Doubles, true: Doubles) -> tuple[Group, ...]:
    order = np.argsort(predicted, kind="stable")
    parts = np.array_split(order, min(GROUPS, len(order)))
    residuals = true - predicted
    return tuple(
        Group(
            len(part),
            *_numbers(np.array([predicted[part].mean(), true[part].mean()])),
            *_numbers(np.quantile(residuals[part], [0.1, 0.5, 0.9])),
        )
        for part in parts
    )


def _coverage(
    predicted: Doubles, true: Doubles, intervals: Intervals
) -> tuple[tuple[float, float, float], ...]:
    found = []
    for level in LEVELS:
        try:
            low, high = intervals.bounds(predicted, level)
        except LevelError:
            continue
        inside, width = float(((low <= true) & (true <= high)).mean()), float((high - low).mean())
        found.append((level, round(inside, DIGITS), float(f"{width:.{DIGITS}g}")))
    return tuple(found)


def _counts(values: Any) -> Counts:
    return tuple(int(value) for value in values)


def _numbers(values: Doubles) -> Numbers:
    """Return numbers with as many digits as a picture can show."""
    return tuple(float(f"{value:.{DIGITS}g}") for value in values.tolist())
