"""How a feature's values are distributed in training, small enough to stand beside its control."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from errors import ArtifactDamaged
from learning.profile import load
from serving.champions import Live
from tables.sketch import CodeSketch, NumberSketch, Sketch

BINS = 32
# In the drawing's own units.
WIDTH, HEIGHT = 128, 20


class Histogram(NamedTuple):
    """`path` draws the bars of numbers; `shares` is each code's of all rows that have a value."""

    path: str = ""
    shares: Mapping[int, float] = {}


def histograms_of(live: Live) -> dict[str, Histogram]:
    """Return the histogram of each feature that the artifact keeps a sketch of."""
    return live.remember("histograms", _read)


def _read(live: Live) -> dict[str, Histogram]:
    try:
        profile = load(live.kept)
    except ArtifactDamaged:
        return {}
    if profile is None:
        return {}
    return {name: histogram(sketch) for name, sketch in profile.features.items()}


def histogram(sketch: Sketch) -> Histogram:
    """Return the histogram of a sketch."""
    if isinstance(sketch, CodeSketch):
        rows = sum(sketch.counts) + sketch.others + sketch.single
        pairs = zip(sketch.codes, sketch.counts, strict=True)
        return Histogram("", {code: count / rows for code, count in pairs} if rows else {})
    bins = bins_of(sketch)
    return Histogram(_path(bins)) if bins else Histogram()


def bins_of(sketch: NumberSketch, count: int = BINS) -> list[float]:
    """Return the rows in each of `count` equally wide bins over the range.

    A cell's rows are spread evenly between its ends; none, where there is no range.
    """
    low, high = sketch.minimum, sketch.maximum
    if low is None or high is None or not high > low:
        return []
    width = (high - low) / count
    bins = [0.0] * count
    edges = (low, *sketch.ends, high)
    for rows, start, end in zip(sketch.counts, edges[:-1], edges[1:], strict=True):
        first = min(count - 1, int((start - low) / width))
        last = min(count - 1, int((end - low) / width))
        span = end - start
        for index in range(first, last + 1):
            left, right = low + index * width, low + (index + 1) * width
            part = (min(end, right) - max(start, left)) / span if span > 0 else 1.0
            bins[index] += rows * max(0.0, part if last > first else 1.0)
    return bins


def _path(bins: list[float]) -> str:
    """Return the outline of the bars; a bin with any row at all is seen."""
    most = max(bins)
    width = WIDTH // len(bins)
    heights = [round(HEIGHT * b / most) if b * HEIGHT >= most else int(b > 0) for b in bins]
    steps = "".join(f"V{HEIGHT - height}h{width}" for height in heights)
    return f"M0 {HEIGHT}{steps}V{HEIGHT}z"
