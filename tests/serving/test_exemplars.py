"""Exemplars: the last of each bucket, whichever process had it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from serving.exemplars import Exemplars
from serving.metrics import Metrics
from tests.conftest import ROOT

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_the_last_of_a_bucket_is_kept() -> None:
    exemplars = Exemplars("")
    exemplars.keep("/a", "1", "old", 0.7)
    exemplars.keep("/a", "1", "new", 0.8)
    exemplars.write()
    assert {key: kept.trace_id for key, kept in exemplars.newest().items()} == {("/a", "1"): "new"}


def test_processes_see_each_other_s_and_the_newest_wins(tmp_path: Path) -> None:
    one = Exemplars(str(tmp_path))
    one.keep("/a", "1", "one", 0.7)
    one.keep("/b", "1", "one", 0.7)
    one.write()
    (file,) = tmp_path.glob("*.json")
    file.rename(tmp_path / "exemplars_1.json")
    two = Exemplars(str(tmp_path))
    assert two.newest()["/a", "1"].trace_id == "one"
    two.keep("/a", "1", "two", 0.8)
    assert {key: kept.trace_id for key, kept in two.newest().items()} == {
        ("/a", "1"): "two",
        ("/b", "1"): "one",
    }


def test_nothing_is_written_that_has_not_changed(tmp_path: Path) -> None:
    exemplars = Exemplars(str(tmp_path))
    exemplars.write()
    assert list(tmp_path.iterdir()) == []


def test_counts_of_two_processes_have_their_exemplars(tmp_path: Path) -> None:
    code = (
        "import sys; from serving.metrics import Metrics; metrics = Metrics(sys.argv[1]);"
        "metrics.note_request('/v0/predict', 200, float(sys.argv[2]), 1, 'm', 'v', sys.argv[3]);"
        "sys.stdout.buffer.write(metrics.openmetrics())"
    )
    environ = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    for seconds, trace in (("0.0002", "a"), ("0.2", "b")):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path), seconds, trace * 32],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
    families = {family.name: family for family in text_string_to_metric_families(done.stdout)}
    found = {
        sample.labels["le"]: (sample.exemplar.labels["trace_id"], sample.exemplar.value)
        for sample in families["mirante_request_seconds"].samples
        if sample.exemplar
    }
    assert found == {"0.00025": ("a" * 32, 0.0002), "0.5": ("b" * 32, 0.2)}


def test_a_request_whose_trace_is_not_recorded_is_no_exemplar() -> None:
    metrics = Metrics()
    metrics.note_request("/v0/predict", 200, 0.2, 1, "m", "v", "")
    assert b"trace_id" not in metrics.openmetrics()
    metrics.note_request("/v0/predict", 200, 0.2, 1, "m", "v", TRACE)
    assert TRACE.encode() in metrics.openmetrics()
