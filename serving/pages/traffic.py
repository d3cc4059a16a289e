"""A model's traffic beside its training: what the worker found, and the counts of its last days."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import MiranteError
from learning.histograms import Histogram
from serving.pages.subject import Subject
from tables.sketch import MISSING, Counts, NumberSketch, Sketch

Report = Mapping[str, Any]
# Of a model's name: its version, and by date the rows in each cell of each column.
Days = tuple[str, Mapping[str, Mapping[str, list[int]]]]
Doubles = NDArray[np.float64]
# What a feature's counts are called in them.
INPUT = "in."


class Watched(NamedTuple):
    """What pages ask of monitoring: the last report of drift of a model, and its days."""

    report: Callable[[str], Report | None]
    days: Callable[[str], Days | None]


class Traffic(NamedTuple):
    """A version's last report, and the counts of its last day and week; `why` there is none."""

    report: Report | None = None
    why: str = ""
    week: Mapping[str, Counts] = {}
    day: Mapping[str, Counts] = {}

    def column(self, name: str) -> Mapping[str, Any]:
        """Return what the report says of a feature; nothing, where it does not."""
        columns = (self.report or {}).get("inputs", {}).get("columns", ())
        return next((column for column in columns if column.get("name") == name), {})


def traffic_of(subject: Subject, watched: Watched | None, names: Iterable[str]) -> Traffic:
    """Return a version's traffic, with the counts of some features."""
    if watched is None:
        return Traffic(why="drift_none")
    try:
        report, days = watched.report(subject.name), watched.days(subject.name)
    except MiranteError:
        return Traffic(why="drift_away")
    if report is None:
        return Traffic(why="drift_no_report")
    if report.get("version") != subject.version:
        return Traffic(why="drift_of_another")
    if "inputs" not in report:
        return Traffic(why="drift_profile_none")
    if days is None or days[0] != subject.version or not days[1]:
        return Traffic(report)
    found = sorted(days[1].items())
    week = {name: _sum(cells.get(INPUT + name) for _, cells in found) for name in names}
    day = {name: _sum([found[-1][1].get(INPUT + name)]) for name in names}
    return Traffic(report, "", _there(week), _there(day))


def _sum(found: Iterable[list[int] | None]) -> Counts | None:
    parts = [np.array(cells, np.int64) for cells in found if cells is not None]
    same = {len(part) for part in parts}
    return np.sum(parts, axis=0) if len(same) == 1 else None


def _there(found: Mapping[str, Counts | None]) -> dict[str, Counts]:
    return {name: counts for name, counts in found.items() if counts is not None}


def shares_by_bar(histogram: Histogram, sketch: Sketch, counts: Counts) -> list[float]:
    """Return what share of the rows with a value is in each bar of a histogram.

    The rows of a sketch's cell are spread evenly between its ends. That alone would move values
    that many rows have: a bar has so much more or less than in training as it then has.
    """
    total = max(1, int(counts.sum() - counts[MISSING]))
    if not isinstance(sketch, NumberSketch):
        cells = {float(code): cell for cell, code in enumerate(sketch.codes, start=2)}
        return [
            float(counts[cells[value]]) / total if value in cells else 0.0
            for value in histogram.values
        ]
    now, then = (_spread(histogram, sketch, found) for found in (counts, sketch.totals))
    bars = np.array(histogram.counts, np.float64)
    found = np.where((then > 0) & (bars > 0), bars * now / np.maximum(then, 1e-9), now)
    outside = counts[list(sketch.outside)]
    found *= max(0, total - int(outside.sum())) / max(float(found.sum()), 1e-9)
    found[[0, -1]] += outside
    shares: list[float] = (found / total).tolist()
    return shares


def _spread(histogram: Histogram, sketch: NumberSketch, counts: Counts) -> Doubles:
    """Return how many rows of a sketch's cells are in each bar."""
    edges = _edges(histogram)
    found = np.zeros(len(edges) - 1)
    for cell, (low, high) in enumerate(_ends(sketch), start=2):
        found += counts[cell] * _parts(edges, low, high)
    return found


def _edges(histogram: Histogram) -> Doubles:
    """Return the ends of the bars; those of single values are midway between them."""
    values = np.array(histogram.values)
    if len(values):
        between = (values[:-1] + values[1:]) / 2
        return np.concatenate([[-np.inf], between, [np.inf]])
    edges = np.linspace(histogram.low, histogram.high, len(histogram.counts) + 1)
    edges[0], edges[-1] = -np.inf, np.inf
    return edges


def _ends(sketch: NumberSketch) -> list[tuple[float, float]]:
    """Return where each cell of a sketch begins and ends."""
    if sketch.minimum is None or sketch.maximum is None:
        return []
    edges = [sketch.minimum, *sketch.ends, sketch.maximum]
    return list(pairwise(edges))


def _parts(edges: Doubles, low: float, high: float) -> Doubles:
    """Return what part of a cell is in each bar."""
    if high <= low:
        index = int(np.clip(np.searchsorted(edges, low, side="right") - 1, 0, len(edges) - 2))
        return np.asarray(np.eye(len(edges) - 1)[index])
    within = np.clip(edges, low, high)
    return np.asarray(np.diff(within) / (high - low))
