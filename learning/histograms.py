"""Histograms: how each feature is distributed in training, for pages to draw; no value of a row.

Beside each bar stands the mean of the target: of two classes the share of the second one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from learning.members import read_member
from tables.dataset import Dataset
from tables.schema import Feature

MEMBER = "histograms.json"
# A number has so many bars, or one for each of so many values; of categories the commonest.
MOST_BARS = 20
# And a feature of a table with thousands at least so many.
FEWEST_BARS = 6
# Bars of all features together.
MOST_IN_ALL = 20_000
# Where the outermost hundredth of the rows would take half of the picture, its bar is cut off.
TAIL, CUT = 0.01, 0.5
DIGITS = 6

Values = NDArray[np.float32]


class Histogram(msgspec.Struct, frozen=True, array_like=True):
    """A feature's rows by bar, and the mean of the target in each (none of many classes).

    A number's bars are of equal width from `low` to `high`, with all beyond in the outermost;
    of few numbers, and of codes, `values` are those of the bars, and `others` the rows that no
    bar counts. Of a date they are days since 1970, of a text lengths. `means` has None for a
    bar without rows, and one entry more: that of the rows where the feature is missing.
    """

    missing: int
    counts: tuple[int, ...] = ()
    means: tuple[float | None, ...] = ()
    low: float = 0.0
    high: float = 0.0
    values: tuple[float, ...] = ()
    others: int = 0


class Histograms(msgspec.Struct, frozen=True):
    """Those of all features, in the schema's order, of so many rows; and the target's mean."""

    rows: int
    mean: float | None
    features: tuple[Histogram, ...]


def histograms_of(train: Dataset) -> Histograms:
    """Return the histograms of the rows that a model learns from."""
    schema = train.schema
    classes = len(schema.target.classes)
    target = None if classes > 2 else np.asarray(train.target, np.float64)
    most = min(MOST_BARS, max(FEWEST_BARS, MOST_IN_ALL // max(1, len(schema.features))))
    found = {name: _histogram(f, values, target, most) for name, f, values in _values(train)}
    mean = None if target is None else _short(float(target.mean()))
    return Histograms(train.rows, mean, tuple(found[f.name] for f in schema.features))


def dump(histograms: Histograms) -> dict[str, bytes]:
    """Return the member that keeps them."""
    return {MEMBER: msgspec.json.encode(histograms)}


def load(members: Mapping[str, bytes]) -> Histograms | None:
    """Return those among an artifact's members; None where it has none. Raises ArtifactDamaged."""
    return read_member(members, MEMBER, Histograms)


def _values(train: Dataset) -> Iterator[tuple[str, Feature, Values]]:
    """Give each feature with the number of it that is drawn, NaN where it is missing `[n]`."""
    schema, batch = train.schema, train.batch
    for feature, where in zip(schema.values, schema.slices, strict=True):
        parts = feature.dates.parts if feature.dates is not None else ()
        leading = parts.index("days") if "days" in parts else 0
        yield feature.name, feature, batch.matrix[:, where.start + leading]
    for feature, texts in zip(schema.texts, batch.texts, strict=True):
        lengths = np.fromiter(map(len, texts), np.float32, len(texts))
        yield feature.name, feature, np.where(lengths > 0, lengths, np.float32(np.nan))


def _histogram(
    feature: Feature, values: Values, target: NDArray[np.float64] | None, most: int
) -> Histogram:
    gone = np.isnan(values)
    there = values[~gone].astype(np.float64)
    missing = int(gone.sum())
    if not len(there):
        return Histogram(missing)
    low = high = 0.0
    distinct: NDArray[np.float64] = np.array([])
    if feature.kind in ("category", "boolean"):
        distinct = _commonest(there, feature, most)
    elif len(few := _few(there, most)):
        distinct = few
    else:
        low, high = _ends(there)
    places, count = _places(there, distinct, low, high, most)
    kept = places < count
    counts = np.bincount(places[kept], minlength=count)
    means = () if target is None else _means(places, kept, counts, target[~gone], target[gone])
    drawn = tuple(float(value) for value in distinct)
    others = len(there) - int(kept.sum())
    return Histogram(missing, tuple(counts.tolist()), means, low, high, drawn, others)


def _commonest(values: NDArray[np.float64], feature: Feature, most: int) -> NDArray[np.float64]:
    """Return the codes that most rows have, in order."""
    codes = 2 if feature.kind == "boolean" else feature.codes
    counts = np.bincount(values.astype(np.intp), minlength=codes)
    kept = np.argsort(-counts, kind="stable")[:most]
    return np.sort(kept[counts[kept] > 0]).astype(np.float64)


def _few(values: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Return the distinct values in order, none where they are more than there are bars."""
    # Of a million numbers the first thousand mostly tell; sorting all would take its time.
    if len(np.unique(values[:1000])) > most:
        return np.array([])
    distinct = np.unique(values)
    return distinct if len(distinct) <= most else np.array([])


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return where the bars begin and end."""
    least, most = float(values.min()), float(values.max())
    low, high = (float(end) for end in np.quantile(values, [TAIL, 1 - TAIL]))
    if low == high or high - low > CUT * (most - least):
        low, high = least, most
    return low, high


def _places(
    values: NDArray[np.float64], distinct: NDArray[np.float64], low: float, high: float, most: int
) -> tuple[NDArray[np.intp], int]:
    """Return the bar of each value, behind the last where it has none, and how many there are."""
    if len(distinct):
        found = np.searchsorted(distinct, values).clip(max=len(distinct) - 1)
        return np.where(distinct[found] == values, found, len(distinct)), len(distinct)
    width = (high - low) / most
    return ((values - low) / width).astype(np.intp).clip(0, most - 1), most


def _means(
    places: NDArray[np.intp],
    kept: NDArray[np.bool_],
    counts: NDArray[np.intp],
    there: NDArray[np.float64],
    gone: NDArray[np.float64],
) -> tuple[float | None, ...]:
    sums = np.bincount(places[kept], there[kept], len(counts))
    bars = [
        _short(s / n) if n else None for s, n in zip(sums.tolist(), counts.tolist(), strict=True)
    ]
    return (*bars, _short(float(gone.mean())) if len(gone) else None)


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def total(histogram: Histogram) -> int:
    """Return how many rows a histogram is of."""
    return histogram.missing + sum(histogram.counts) + histogram.others
