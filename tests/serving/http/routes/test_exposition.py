"""`/metrics` in the format that its client takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector

from serving.auth import Guard, KeyRing, new_key
from serving.cors import Cors
from serving.http.routes.exposition import metrics_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds

# As Prometheus 3 asks.
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.fixture(scope="module")
def client() -> Any:
    app, metrics = Flask(__name__), Metrics()
    attend(app, RequestIds(), Cors(()), Observation(metrics, 0.0))
    app.register_blueprint(metrics_blueprint(metrics, Guard(KeyRing(()))))
    for seconds in (0.0001, 0.2, 9.0):
        metrics.note_request("/v0/predict", 200, seconds, 1, "m", "v", f"{seconds:032}")
    return app.test_client()


@pytest.mark.parametrize(
    "accept", [PROMETHEUS, "application/openmetrics-text", "application/openmetrics-text, */*"]
)
def test_openmetrics_is_written_for_who_takes_it(client, accept):
    answer = client.get("/metrics", headers={"Accept": accept})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.headers["Vary"] == "Accept"
    families = {family.name: family for family in parse_openmetrics(answer.text)}
    buckets = [s for s in families["mirante_request_seconds"].samples if s.exemplar]
    assert [s.labels["le"] for s in buckets] == ["0.0001", "0.5", "+Inf"]
    assert buckets[1].exemplar.labels == {"trace_id": f"{0.2:032}"}


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "text/html",
        "text/plain",
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;q=0.1,text/plain",
        "application/openmetrics-text-of-mine",
    ],
)
def test_the_text_format_is_written_for_everybody_else(client, accept):
    answer = client.get("/metrics", headers={"Accept": accept})
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert "mirante_requests" in {family.name for family in parse_text(answer.text)}
    assert "trace_id" not in answer.text


@pytest.mark.parametrize("version", ["", "abc", "-1", "9" * 5000, "1.0.0\x7f"])
def test_a_version_that_is_none_is_no_fault(client, version):
    accept = f"application/openmetrics-text;version={version}"
    assert client.get("/metrics", headers={"Accept": accept}).status_code == 200


def test_it_is_packed_for_who_takes_that(client):
    headers = {"Accept": "application/openmetrics-text", "Accept-Encoding": "gzip"}
    assert client.get("/metrics", headers=headers).headers["Content-Encoding"] == "gzip"


class Columns(Collector):
    """What names a column of a model, as drift does."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one gauge."""
        family = GaugeMetricFamily("mirante_drift_alarm", "", labels=["column"])
        family.add_metric(["income"], 1.0)
        yield family


@pytest.mark.parametrize("accept", ["*/*", "application/openmetrics-text"])
@pytest.mark.parametrize("folder", [False, True])
def test_columns_are_named_to_those_who_may_predict(tmp_path, accept, folder):
    token, key = new_key("prometheus", ["predict"])
    app, metrics = Flask(__name__), Metrics(str(tmp_path) if folder else "")
    metrics.attach(Columns())
    guard = Guard(KeyRing((key.entry(),)), require_for_prediction=True)
    app.register_blueprint(metrics_blueprint(metrics, guard))
    headers = {"Accept": accept}
    assert "income" not in app.test_client().get("/metrics", headers=headers).text
    headers["Authorization"] = f"Bearer {token}"
    assert "income" in app.test_client().get("/metrics", headers=headers).text
