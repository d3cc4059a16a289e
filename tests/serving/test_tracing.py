"""Whether spans are made: as the variables ask, and never at the price of the process."""

from __future__ import annotations

import logging
import sys
import threading

import pytest

from serving import tracing
from serving.recorded import Recorded
from serving.trace_context import TraceContext
from serving.tracing import INSTALL, Tracing, tracing_of
from tests.servers import wait_until

REQUEST = Recorded("GET", "/health", 200, 0.1, "id", TraceContext("a" * 32, "b" * 16, "01"))


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, None),
        ({"exporters": "none"}, None),
        ({"exporters": "none", "endpoint": "http://a:4318"}, None),
        ({"endpoint": "http://a:4318"}, ["otlp"]),
        ({"endpoint": "http://a:4318", "disabled": "TRUE"}, None),
        ({"endpoint": "http://a:4318", "disabled": "yes"}, ["otlp"]),
        ({"exporters": "otlp"}, ["otlp"]),
        ({"exporters": " OTLP , console"}, ["otlp", "console"]),
        ({"exporters": "zipkin"}, None),
        ({"exporters": "zipkin,otlp"}, ["otlp"]),
        ({"exporters": "otlp", "protocol": "grpc"}, ["otlp"]),
    ],
)
def test_the_variables_ask_for_it_or_do_not(given, asked):
    found = tracing_of(**given)
    assert (None if found is None else found._exporters) == asked


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"exporters": "zipkin"}, "OTEL_TRACES_EXPORTER: expected otlp, console or none"),
        (
            {"exporters": "otlp", "protocol": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf, which is spoken anyway",
        ),
        ({"exporters": "otlp", "protocol": "http/protobuf"}, None),
    ],
)
def test_what_is_not_understood_is_said(given, said, caplog):
    tracing_of(**given)
    assert [line.getMessage() for line in caplog.records] == ([said] if said else [])


def test_before_it_starts_a_request_keeps_its_caller_s_trace():
    assert Tracing(["otlp"]).record(REQUEST) is REQUEST.trace


def test_without_the_library_one_line_says_how_to_install_it(monkeypatch, caplog):
    monkeypatch.delitem(sys.modules, "serving.spans", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.context", None)
    made = Tracing(["otlp"])
    made.start()
    assert [line.getMessage() for line in caplog.records] == [INSTALL]
    assert made.record(REQUEST) is REQUEST.trace
    made.stop()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "$COLLECTOR"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_SCHEDULE_DELAY", "x"),
        ("OTEL_TRACES_SAMPLER", "x"),
        ("OTEL_RESOURCE_ATTRIBUTES", "=,=,"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "x"),
    ],
)
def test_a_bad_variable_is_no_fault_of_a_request(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(tracing, "FLUSH_SECONDS", 0.2)
    made = Tracing(["otlp"])
    made.start()
    assert made.record(REQUEST) is not None
    made.stop()


def test_a_collector_that_does_not_answer_holds_no_end(monkeypatch):
    monkeypatch.setattr(tracing, "FLUSH_SECONDS", 0.2)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    made = Tracing(["otlp"])
    made.start()
    made.record(REQUEST)
    made.stop()
    names = {"mirante-spans", "OtelBatchSpanRecordProcessor"}
    wait_until(
        lambda: not names & {thread.name for thread in threading.enumerate()}, "the threads to end"
    )


class Stuck:
    """Spans that cannot be sent until it is given up."""

    def __init__(self) -> None:
        self.given_up = threading.Event()

    def record(self, recorded: Recorded) -> TraceContext:
        raise NotImplementedError

    def stop(self) -> None:
        self.given_up.wait(60)

    def abandon(self) -> None:
        self.given_up.set()


def test_what_cannot_be_sent_in_time_is_given_up(monkeypatch):
    monkeypatch.setattr(tracing, "FLUSH_SECONDS", 0.1)
    made, stuck = Tracing(["otlp"]), Stuck()
    made._spans = stuck
    made.stop()
    assert stuck.given_up.is_set()


def test_the_library_s_warnings_are_lines_of_our_log(monkeypatch):
    handler = logging.NullHandler()
    logging.getLogger("mirante").addHandler(handler)
    try:
        Tracing(["console"]).start()
        assert handler in logging.getLogger("opentelemetry").handlers
    finally:
        logging.getLogger("mirante").removeHandler(handler)
        logging.getLogger("opentelemetry").removeHandler(handler)
        logging.getLogger("opentelemetry").propagate = True
