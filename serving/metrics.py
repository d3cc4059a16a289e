"""Prometheus metrics, true across gunicorn's workers.

With a multiprocess folder (prometheus_client's PROMETHEUS_MULTIPROC_DIR) every
worker writes its counts to a file there, and any worker answers for all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)

# From a quick row to a large batch, in seconds.
BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5)


class Metrics:
    """The counters of one application. `folder` is the multiprocess folder, empty for none."""

    def __init__(self, folder: str = "") -> None:
        self._folder = folder
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "mirante_requests", "Requests answered.", ("route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "mirante_request_seconds",
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
        # labels() costs more than counting does: its results are kept.
        self._kept: dict[tuple[Any, ...], Any] = {}
        self._lock = threading.Lock()

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count a request and its latency."""
        self._child(self._requests, route, str(status)).inc()
        self._child(self._seconds, route).observe(seconds)

    def count_rows(self, model: str, version: str, rows: int) -> None:
        """Count predicted rows by the version that predicted them."""
        self._child(self._rows, model, version).inc(rows)

    def count_event(self, model: str, event: str) -> None:
        """Count a model loaded or refused."""
        self._child(self._events, model, event).inc()

    def _child(self, metric: Any, *labels: str) -> Any:
        key = (metric._name, *labels)
        child = self._kept.get(key)
        if child is None:
            with self._lock:
                child = self._kept[key] = metric.labels(*labels)
        return child

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        if not self._folder:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, path=self._folder)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def metrics_blueprint(exposition: Callable[[], bytes]) -> Blueprint:
    """Return the blueprint that serves `/metrics`."""
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        return Response(exposition(), content_type=CONTENT_TYPE_LATEST)

    return blueprint
