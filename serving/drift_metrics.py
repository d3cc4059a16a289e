"""Drift as Prometheus' gauges, read from the models' last reports."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from errors import StoreUnavailable

log = logging.getLogger("mirante.drift")

# Reports are read again after so many seconds; they change once an hour.
SECONDS = 60.0
# Metrics wait no longer for a reading, which goes on beside them and is shown the next time.
PATIENCE = 0.05

Report = dict[str, Any]
Sample = tuple[tuple[str, ...], float]

_BY_COLUMN = ("model", "version", "question", "column")
_BY_MODEL = ("model", "version")
_BY_KIND = ("model", "version", "kind")
_FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "mirante_drift_alarm": ("1 where an alarm of the last days stands.", _BY_COLUMN),
    "mirante_drift_evidence": ("Evidence, as a share of what raises an alarm.", _BY_COLUMN),
    "mirante_drift_distance": ("Jensen-Shannon distance from training.", _BY_COLUMN),
    "mirante_drift_missing_share": ("Share of rows without a value.", _BY_COLUMN),
    "mirante_drift_loss": ("The model's loss, expected or measured.", _BY_KIND),
    "mirante_drift_holdout_loss": ("The same loss on the hold-out.", _BY_KIND),
    "mirante_drift_rows": ("Rows of the days that are described.", _BY_MODEL),
    "mirante_drift_labelled_rows": ("Those of them whose truth is known.", _BY_MODEL),
    "mirante_drift_looked_at_seconds": ("When the worker looked, since 1970.", _BY_MODEL),
}


class DriftMetrics(Collector):
    """Collects what the reports of some models say; `names` are those that are served."""

    def __init__(
        self,
        names: Callable[[], Iterable[str]],
        read_report: Callable[[str], Report | None],
        clock: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE,
    ) -> None:
        self._names = names
        self._read = read_report
        self._clock = clock
        self._patience = patience
        self._reading = threading.Lock()
        self._reports: list[Report] = []
        self._read_at = float("-inf")

    def describe(self) -> Iterable[Any]:
        """Return nothing: whoever registers this must not wait for the log's store."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges of reports that are a minute old, or two; none without a report.

        A store that is slow, or hangs, is not waited for.
        """
        if self._clock() - self._read_at >= SECONDS and self._reading.acquire(blocking=False):
            self._read_at = self._clock()
            reading = threading.Thread(target=self._read_all, name="mirante-drift", daemon=True)
            reading.start()
            reading.join(self._patience)
        samples: dict[str, list[Sample]] = {}
        for report in self._reports:
            for name, labels, value in _samples(report):
                samples.setdefault(name, []).append((labels, value))
        for name, found in samples.items():
            text, names = _FAMILIES[name]
            family = GaugeMetricFamily(name, text, labels=names)
            for labels, value in found:
                family.add_metric(labels, value)
            yield family

    def _read_all(self) -> None:
        try:
            self._reports = [r for name in self._names() if (r := self._read(name))]
        except StoreUnavailable as error:  # metrics are answered without it
            log.warning("%s; drift is as it was", error)
        finally:
            self._reading.release()


def _samples(report: Report) -> Iterator[tuple[str, tuple[str, ...], float]]:
    model = (str(report.get("name")), str(report.get("version")))
    for key, name in (("rows", "mirante_drift_rows"), ("labelled", "mirante_drift_labelled_rows")):
        if key in report:
            yield name, model, report[key]
    looked = datetime.fromisoformat(report["looked_at"]).timestamp()
    yield "mirante_drift_looked_at_seconds", model, looked
    for question in ("inputs", "score"):
        for column in report.get(question, {}).get("columns", ()):
            yield from _of_column((*model, question, column["name"]), column)
    for kind in ("expected", "measured"):
        harm = report.get("harm", {}).get(kind)
        if harm is not None:
            yield from _of_column((*model, "harm", kind), harm)
            if "value" in harm:
                yield "mirante_drift_loss", (*model, kind), harm["value"]
                yield "mirante_drift_holdout_loss", (*model, kind), harm["holdout"]


def _of_column(
    labels: tuple[str, ...], column: Report
) -> Iterator[tuple[str, tuple[str, ...], float]]:
    yield "mirante_drift_alarm", labels, float(column["alarm"])
    yield "mirante_drift_evidence", labels, column["evidence"]
    if "distance" in column:
        yield "mirante_drift_distance", labels, column["distance"]
    if "missing" in column:
        yield "mirante_drift_missing_share", labels, column["missing"]["now"]
