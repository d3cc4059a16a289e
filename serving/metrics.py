"""Prometheus metrics, true across gunicorn's workers.

With a multiprocess folder (prometheus_client's PROMETHEUS_MULTIPROC_DIR) every
worker writes its counts to a file there, and any worker answers for all.

Writing to such a file costs more than predicting a row does. So a request is
only noted down, and a thread counts what was noted, once a second.
"""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left
from collections import Counter as Tally
from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from serving.exemplars import Exemplars, WithExemplars

log = logging.getLogger("mirante.metrics")

COUNT_EVERY = 1.0  # seconds

# From a quick row to a large batch, in seconds.
BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5)


# The buckets as a histogram's label `le` has them.
BOUNDS = (*map(floatToGoString, BUCKETS), "+Inf")
SECONDS = "mirante_request_seconds"


class Noted(NamedTuple):
    """A request as it is noted down; `seconds` is the time that its answer took.

    `trace_id` is that of a trace which is recorded; empty for none.
    """

    route: str
    status: int
    seconds: float
    rows: int
    model: str
    version: str
    trace_id: str = ""


class Metrics:
    """The counters of one application. `folder` is the multiprocess folder, empty for none."""

    def __init__(self, folder: str = "") -> None:
        self._folder = folder
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "mirante_requests", "Requests answered.", ("route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            SECONDS,
            "Time to answer, from the whole body to the answer.",
            ("route",),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._rows = Counter(
            "mirante_rows", "Rows predicted.", ("model", "version"), registry=self._registry
        )
        self._events = Counter(
            "mirante_model_events",
            "Models loaded or refused.",
            ("model", "event"),
            registry=self._registry,
        )
        self._exemplars = Exemplars(folder)
        self._logged = self._outcomes("mirante_prediction_log_rows", "Rows of the prediction log.")
        self._shadowed = self._outcomes("mirante_shadow_rows", "Rows of a challenger.")
        self._collectors: list[Collector] = []
        # labels() costs more than counting does: its results are kept.
        self._kept: dict[tuple[Any, ...], Any] = {}
        self._noted: deque[Noted] = deque()
        self._counting = False
        self._lock = threading.Lock()
        self._flushing = threading.Lock()

    def _outcomes(self, name: str, said: str) -> Counter:
        return Counter(name, said, ("outcome",), registry=self._registry)

    def note_request(
        self,
        route: str,
        status: int,
        seconds: float,
        rows: int,
        model: str,
        version: str,
        trace_id: str = "",
    ) -> None:
        """Note a request down, to be counted within a second."""
        self._noted.append(Noted(route, status, seconds, rows, model, version, trace_id))
        if not self._counting:
            self._start()

    def _start(self) -> None:
        # By the first request and not before: a thread does not survive a fork.
        with self._lock:
            if not self._counting:
                self._counting = True
                threading.Thread(target=self._count, name="mirante-count", daemon=True).start()

    def _count(self) -> None:
        while True:
            time.sleep(COUNT_EVERY)
            try:
                self.flush()
            except Exception:  # a thread that ends would let the notes grow without end
                log.exception("requests were not counted")

    def flush(self) -> None:
        """Count everything that was noted down so far."""
        with self._flushing:
            noted = [self._noted.popleft() for _ in range(len(self._noted))]
            requests = Tally((note.route, str(note.status)) for note in noted)
            for (route, status), count in requests.items():
                self._child(self._requests, route, status).inc(count)
            rows: Tally[tuple[str, str]] = Tally()
            times: defaultdict[str, list[float]] = defaultdict(list)
            for note in noted:
                rows[note.model, note.version] += note.rows
                times[note.route].append(note.seconds)
                if note.trace_id:
                    bound = BOUNDS[bisect_left(BUCKETS, note.seconds)]
                    self._exemplars.keep(note.route, bound, note.trace_id, note.seconds)
            for (model, version), count in (+rows).items():
                self._child(self._rows, model, version).inc(count)
            for route, seconds in times.items():
                _observe(self._child(self._seconds, route), seconds)
            self._exemplars.write()

    def count_event(self, model: str, event: str) -> None:
        """Count a model loaded or refused."""
        self._child(self._events, model, event).inc()

    def count_logged(self, outcome: str, rows: int) -> None:
        """Count rows that were written to the prediction log, or dropped."""
        self._child(self._logged, outcome).inc(rows)

    def count_shadowed(self, outcome: str, rows: int) -> None:
        """Count rows that a challenger answered too, or did not."""
        self._child(self._shadowed, outcome).inc(rows)

    def attach(self, collector: Collector) -> None:
        """Show what a collector reads elsewhere, the same for every worker, beside the counts."""
        self._collectors.append(collector)

    def _child(self, metric: Any, *labels: str) -> Any:
        key = (metric._name, *labels)
        child = self._kept.get(key)
        if child is None:
            with self._lock:
                child = self._kept[key] = metric.labels(*labels)
        return child

    def exposition(self, whole: bool = True) -> bytes:
        """Return all metrics in Prometheus' text format; the others' are a second old.

        Without `whole` what is attached is left out: it names columns of the models.
        """
        return generate_latest(self._all(whole))

    def openmetrics(self, whole: bool = True) -> bytes:
        """Return the same in OpenMetrics' text format, which has exemplars."""
        found = WithExemplars(self._all(whole), SECONDS, self._exemplars)
        text: bytes = openmetrics.generate_latest(found)  # type: ignore[no-untyped-call]
        return text

    def _all(self, whole: bool) -> Together:
        self.flush()
        attached = self._collectors if whole else []
        if not self._folder:
            return Together(self._registry, *attached)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, path=self._folder)  # type: ignore[no-untyped-call]
        return Together(registry, *attached)


class Together(Collector):
    """Collects what several do, one after the other."""

    def __init__(self, *collectors: Any) -> None:
        self._collectors = collectors

    def collect(self) -> Iterator[Metric]:
        """Yield their families."""
        for collector in self._collectors:
            yield from collector.collect()


def _observe(histogram: Any, seconds: list[float]) -> None:
    """Observe many values with one write a bucket; observe() itself writes twice for each."""
    buckets = Tally(bisect_left(BUCKETS, value) for value in seconds)
    for index, count in buckets.items():
        histogram._buckets[index].inc(count)
    histogram._sum.inc(sum(seconds))
