"""Counts: what is noted down is counted, in the buckets that prometheus_client itself would use."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from serving import metrics as metrics_module
from serving.metrics import BUCKETS, Metrics
from tests.servers import wait_until

# On a bucket's edge, either side of it, below the first and beyond the last.
TIMES = (0.0, 0.00005, 0.0001, 0.00010001, 0.0009, 0.001, 0.3, 5, 5.0001, 60)


def samples(text: bytes) -> list[Sample]:
    families = text_string_to_metric_families(text.decode())
    return [s for family in families for s in family.samples if not s.name.endswith("_created")]


def times(text: bytes) -> dict[tuple[str, str | None], float]:
    """Return the histogram's values by their name and bucket."""
    name = "mirante_request_seconds"
    return {(s.name, s.labels.get("le")): s.value for s in samples(text) if s.name.startswith(name)}


def counted(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Return one count as /metrics shows it; None when it is not there."""
    shown = [s for s in samples(metrics.exposition()) if (s.name, s.labels) == (name, labels)]
    return shown[0].value if shown else None


def note(
    metrics: Metrics, status: int = 200, seconds: float = 0.001, rows: int = 1, model: str = "m"
) -> None:
    metrics.note_request("/v0/predict", status, seconds, rows, model, "v1")


def test_requests_and_rows_are_counted_by_their_labels() -> None:
    metrics = Metrics()
    for status, rows in ((200, 1), (200, 40), (422, 0)):
        note(metrics, status, rows=rows)
    assert counted(metrics, "mirante_requests_total", route="/v0/predict", status="200") == 2
    assert counted(metrics, "mirante_requests_total", route="/v0/predict", status="422") == 1
    assert counted(metrics, "mirante_rows_total", model="m", version="v1") == 41


def test_a_request_that_reached_no_model_is_no_models_row() -> None:
    metrics = Metrics()
    note(metrics, 404, rows=0, model="")
    assert counted(metrics, "mirante_rows_total", model="", version="v1") is None


def test_the_buckets_are_those_that_the_library_itself_would_fill() -> None:
    metrics, theirs = Metrics(), CollectorRegistry()
    histogram = Histogram(
        "mirante_request_seconds", "x", ("route",), buckets=BUCKETS, registry=theirs
    )
    for seconds in TIMES:
        note(metrics, seconds=seconds)
        histogram.labels("/v0/predict").observe(seconds)
    expected, found = times(generate_latest(theirs)), times(metrics.exposition())
    assert found == pytest.approx(expected)
    assert len(found) == len(BUCKETS) + 3  # +Inf, the sum and the count


def test_nothing_is_counted_twice() -> None:
    metrics = Metrics()
    note(metrics)
    metrics.flush()
    metrics.flush()
    assert counted(metrics, "mirante_requests_total", route="/v0/predict", status="200") == 1


def test_what_was_noted_is_counted_without_being_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_module, "COUNT_EVERY", 0.01)
    metrics = Metrics()
    note(metrics)

    def seen() -> bool:
        value = metrics._registry.get_sample_value(
            "mirante_requests_total", {"route": "/v0/predict", "status": "200"}
        )
        return value == 1

    wait_until(seen, "the thread to count", 5)


def test_a_count_that_fails_is_said_and_the_next_one_is_made(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(metrics_module, "COUNT_EVERY", 0.01)
    metrics, failures, again = Metrics(), [OSError("the disk is full")], threading.Event()

    def flush() -> None:
        if failures:
            raise failures.pop()
        again.set()

    monkeypatch.setattr(metrics, "flush", flush)
    note(metrics)
    assert again.wait(10)
    assert "the disk is full" in caplog.text


def test_events_of_models_are_counted_at_once() -> None:
    metrics = Metrics()
    metrics.count_event("credit", "loaded")
    assert counted(metrics, "mirante_model_events_total", model="credit", event="loaded") == 1


# Twice what another worker does: count, and end.
WORKER = """
import sys
from serving.metrics import Metrics
metrics = Metrics(sys.argv[1])
for seconds in (0.001, 0.3):
    metrics.note_request("/v0/predict", 200, seconds, 1, "m", "v1")
metrics.flush()
sys.stdout.buffer.write(metrics.exposition())
"""


def test_through_a_folder_any_worker_tells_the_counts_of_all(tmp_path: Path, root: Path) -> None:
    # Processes of their own: the variable must stand before prometheus_client is imported.
    environ = {"PATH": os.environ["PATH"], "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for workers in (1, 2):
        printed = subprocess.run(
            [sys.executable, "-c", WORKER, str(tmp_path)],
            cwd=root,
            env=environ,
            capture_output=True,
            check=True,
        ).stdout
        values = {(s.name, s.labels.get("le")): s.value for s in samples(printed)}
        assert values["mirante_requests_total", None] == 2 * workers
        assert values["mirante_request_seconds_bucket", "0.001"] == workers
        assert values["mirante_request_seconds_bucket", "+Inf"] == 2 * workers
        assert values["mirante_request_seconds_sum", None] == pytest.approx(0.301 * workers)


def test_rows_of_the_prediction_log_are_counted_by_what_became_of_them() -> None:
    metrics = Metrics()
    metrics.count_logged("written", 3)
    metrics.count_logged("written", 2)
    metrics.count_logged("queue_full", 7)
    text = metrics.exposition().decode()
    assert 'mirante_prediction_log_rows_total{outcome="written"} 5.0' in text
    assert 'mirante_prediction_log_rows_total{outcome="queue_full"} 7.0' in text
