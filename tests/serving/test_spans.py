"""Spans as a collector gets them: names, attributes, parents, stations, faults."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from serving.cors import Cors
from serving.grpc.codes import CODES
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation, access_log
from serving.problems import STATUS
from serving.recorded import Recorded
from serving.request_ids import RequestIds
from serving.service import PredictionService
from serving.spans import RPC_CODES, Spans
from serving.trace_context import TraceContext
from serving.tracing import Tracing
from tests.collector import Collector, collecting
from tests.serving.factory import ROW, ask, make_service

SERVER, ERROR = 2, 2
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GIVEN = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        yield running


@pytest.fixture
def tracing(collector: Collector) -> Iterator[Tracing]:
    made = Tracing(["otlp"])
    made.start()
    yield made
    made.stop()


def traced(tracing: Tracing) -> PredictionService:
    return make_service(observation=Observation(Metrics(), 0.0, tracing))


def record(recorded: Recorded) -> TraceContext:
    spans = Spans(otlp=True, console=False)
    found = spans.record(recorded)
    spans.stop()
    return found


def test_a_request_is_a_span_of_its_caller_s_trace_with_its_stations(collector, tracing):
    headers = {"traceparent": GIVEN, "tracestate": "a=1", "host": "x:8000", "user_agent": "me"}
    answer = ask(traced(tracing), "/v0/predict", ROW, **headers)
    tracing.stop()
    (span,) = collector.named("POST /v0/predict")
    assert collector.paths == ["/v1/traces"]
    assert (span.service, span.kind, span.status) == ("mirante", SERVER, 0)
    assert (span.trace_id, span.parent_id, span.state) == (TRACE, PARENT, "a=1")
    assert dict(answer.headers)[b"traceparent"].decode() == f"00-{TRACE}-{span.span_id}-01"
    assert span.attributes["http.request.method"] == "POST"
    assert span.attributes["http.route"] == "/v0/predict"
    assert span.attributes["http.response.status_code"] == 200
    assert span.attributes["server.address"] == "x:8000"
    assert span.attributes["user_agent.original"] == "me"
    assert (span.attributes["mirante.model"], span.attributes["mirante.rows"]) == ("credit", 1)
    assert collector.children(span) == ["receive", "decode", "predict", "render"]


def test_a_request_without_a_trace_begins_one_and_is_told_which(collector, tracing, caplog):
    access_log.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, "mirante.access")
    answer = ask(traced(tracing), "/v0/predict", {})
    access_log.removeHandler(caplog.handler)
    tracing.stop()
    (span,) = collector.named("POST /v0/predict")
    assert (span.parent_id, span.status) == ("", 0)
    assert collector.children(span) == ["receive", "decode"]
    assert span.trace_id in dict(answer.headers)[b"server-timing"].decode()
    line = vars(caplog.records[0])
    assert (line["trace_id"], line["span_id"]) == (span.trace_id, span.span_id)


def test_a_caller_that_does_not_sample_is_followed(collector, tracing):
    answer = ask(traced(tracing), "/v0/predict", ROW, traceparent=GIVEN[:-1] + "0")
    tracing.stop()
    assert collector.spans == []
    assert dict(answer.headers)[b"traceparent"].endswith(b"-00")


def test_flask_s_requests_are_spans_too(collector, tracing):
    from flask import Flask

    app = Flask(__name__)
    attend(app, RequestIds(), Cors(()), Observation(Metrics(), 0.0, tracing))

    @app.get("/things/<name>")
    def thing(name: str) -> str:
        return name

    client: Any = app.test_client()
    answer = client.get("/things/a", headers={"traceparent": GIVEN})
    client.get("/nothing/secret")
    tracing.stop()
    (span,) = collector.named("GET /things/<name>")
    assert answer.headers["traceparent"] == f"00-{TRACE}-{span.span_id}-01"
    (missing,) = collector.named("GET")
    assert missing.attributes["http.response.status_code"] == 404
    assert "secret" not in str(missing)


def test_a_call_of_grpc_has_the_names_of_rpc(collector):
    record(Recorded("GRPC", "/inference.GRPCInferenceService/ModelInfer", 503, 0.1, "id"))
    (span,) = collector.named("inference.GRPCInferenceService/ModelInfer")
    assert span.attributes["rpc.system.name"] == "grpc"
    assert span.attributes["rpc.response.status_code"] == "UNAVAILABLE"
    assert (span.attributes["error.type"], span.status) == ("UNAVAILABLE", ERROR)
    assert 0.09e9 < span.end - span.start < 0.2e9


def test_a_call_that_there_is_none_of_has_no_name_of_its_caller_s(collector):
    record(Recorded("GRPC", "", 405, 0.1, "id"))
    (span,) = collector.named("grpc")
    assert span.attributes["rpc.method"] == "_OTHER"
    assert span.attributes["rpc.response.status_code"] == "UNIMPLEMENTED"


def test_the_codes_are_those_that_a_call_ends_with():
    for kind, code in CODES.items():
        status = next(STATUS[each] for each in kind.__mro__ if each in STATUS)
        assert RPC_CODES[status] == code.name, kind


@pytest.mark.parametrize(("status", "fault"), [(499, False), (500, True), (503, True)])
def test_a_fault_of_the_server_s_is_an_error(collector, status, fault):
    record(Recorded("BREW", "/v0/predict", status, 0.1, "id"))
    (span,) = collector.named("HTTP /v0/predict")
    assert span.attributes["http.request.method"] == "_OTHER"
    assert (span.status == ERROR) is fault
    assert span.attributes.get("error.type") == (str(status) if fault else None)


def test_the_standard_variables_are_heard(collector, monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    record(Recorded("GET", "/health", 200, 0.1, "id"))
    assert collector.spans == []
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    record(Recorded("GET", "/health", 200, 0.1, "id"))
    assert [span.service for span in collector.spans] == ["shop"]


def test_spans_may_be_written_on_the_console(capsys):
    spans = Spans(otlp=False, console=True)
    spans.record(Recorded("GET", "/health", 200, 0.1, "id"))
    assert '"name": "GET /health"' in capsys.readouterr().out
