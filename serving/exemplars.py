"""Exemplars: of each route and bucket of the latency, the last request whose trace was recorded.

prometheus_client shares none between processes. Each process writes its own, a few lines, into
the folder of the counts, and any of them reads all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from prometheus_client import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

PATTERN = "exemplars_{}.json"


class Kept(NamedTuple):
    """One exemplar: its route, the upper bound of its bucket as `le` has it, and what it was."""

    route: str
    le: str
    trace_id: str
    seconds: float
    timestamp: float


class Exemplars:
    """Those of one process, and of all that share its folder; empty for none."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._kept: dict[tuple[str, str], Kept] = {}
        self._changed = False

    def keep(self, route: str, le: str, trace_id: str, seconds: float) -> None:
        """Keep a request in place of the one before."""
        self._kept[route, le] = Kept(route, le, trace_id, seconds, round(time.time(), 3))
        self._changed = True

    def write(self) -> None:
        """Let the other processes see what has changed."""
        if not self._changed or not self._folder:
            return
        self._changed = False
        file = Path(self._folder) / PATTERN.format(os.getpid())
        unfinished = file.with_suffix(".new")
        unfinished.write_bytes(msgspec.json.encode(list(self._kept.values())))
        unfinished.replace(file)

    def newest(self) -> dict[tuple[str, str], Kept]:
        """Return the last of each route and bucket, whichever process had it."""
        found = dict(self._kept)
        for each in self._others():
            mine = found.get((each.route, each.le))
            if mine is None or mine.timestamp < each.timestamp:
                found[each.route, each.le] = each
        return found

    def _others(self) -> Iterator[Kept]:
        for file in Path(self._folder).glob(PATTERN.format("*")) if self._folder else ():
            yield from msgspec.json.decode(file.read_bytes(), type=list[Kept])


class WithExemplars(Collector):
    """The metrics of a collector, with exemplars on the buckets of one histogram."""

    def __init__(self, metrics: Collector, histogram: str, exemplars: Exemplars) -> None:
        self._metrics = metrics
        self._histogram = histogram
        self._exemplars = exemplars

    def collect(self) -> Iterator[Metric]:
        """Yield each metric."""
        for metric in self._metrics.collect():
            if metric.name == self._histogram:
                _add(metric, self._exemplars.newest())
            yield metric


def _add(metric: Metric, newest: dict[tuple[str, str], Kept]) -> None:
    for index, sample in enumerate(metric.samples):
        kept = newest.get((sample.labels.get("route", ""), sample.labels.get("le", "")))
        if kept is not None and sample.value:
            exemplar = Exemplar({"trace_id": kept.trace_id}, kept.seconds, kept.timestamp)
            metric.samples[index] = sample._replace(exemplar=exemplar)
