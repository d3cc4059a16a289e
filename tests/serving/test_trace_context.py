"""Trace context: what is one, what is not, and where it is told."""

from __future__ import annotations

import logging

import pytest

from serving.cors import EXPOSED, SENT
from serving.observation import access_log
from serving.trace_context import TraceContext, trace_of
from tests.serving.factory import ROW, ask, make_service
from tests.serving.transports import JSON, by_wsgi, wsgi_application

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


def test_a_trace_is_read() -> None:
    headers = {b"traceparent": PARENT.encode(), b"tracestate": b"a=1,b=2"}
    assert trace_of(headers) == TraceContext(TRACE, SPAN, "01", "a=1,b=2")
    assert trace_of({}) is None


@pytest.mark.parametrize(
    "given",
    [
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01-",
        f"00-{TRACE}-{SPAN}-01.more",
        f"ff-{TRACE}-{SPAN}-01",
        f"FF-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}0-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-.1",
        f"{PARENT},{PARENT}",
    ],
)
def test_a_malformed_one_is_ignored(given: str) -> None:
    assert trace_of({b"traceparent": given.encode()}) is None


@pytest.mark.parametrize("later", ["", "-", "-what-the-future-will-be-like"])
def test_one_of_a_later_version_is_read_as_far_as_it_is_known(later: str) -> None:
    assert trace_of({b"traceparent": f"cc-{TRACE}-{SPAN}-01{later}".encode()}) is not None


@pytest.mark.parametrize("state", [b"x" * 513, b"a=\x00", b"a=\xff"])
def test_a_state_that_cannot_be_kept_is_dropped(state: bytes) -> None:
    found = trace_of({b"traceparent": PARENT.encode(), b"tracestate": state})
    assert found == TraceContext(TRACE, SPAN, "01")


def test_an_answer_tells_the_trace_and_pages_may_read_it() -> None:
    service = make_service()
    headers = dict(ask(service, "/v0/predict", ROW, traceparent=PARENT).headers)
    assert headers[b"traceparent"].decode() == PARENT
    assert headers[b"server-timing"].decode() == f"trace;desc={PARENT}"
    assert b"traceparent" not in dict(ask(service, "/v0/predict", ROW).headers)
    assert b"traceparent" not in dict(ask(service, "/v0/predict", ROW, traceparent="x").headers)
    assert {b"traceparent", b"tracestate"} <= set(SENT.split(b", "))
    assert {b"traceparent", b"Server-Timing"} <= set(EXPOSED.split(b", "))


def test_flask_tells_it_too() -> None:
    app = wsgi_application(make_service())
    for path, status in (("/nothing", 404), ("/v0/predict", 422)):
        method = "GET" if status == 404 else "POST"
        answer = by_wsgi(app, method, path, JSON | {"traceparent": PARENT}, b"[]")
        assert answer.status == status
        assert answer.headers["traceparent"] == PARENT
    assert "traceparent" not in by_wsgi(app, "GET", "/nothing", {"traceparent": "x"}, b"").headers


def test_the_lines_of_a_request_name_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    access_log.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, "mirante.access")
    try:
        ask(make_service(), "/v0/predict", {}, traceparent=PARENT)
        ask(make_service(), "/v0/predict", {})
    finally:
        access_log.removeHandler(caplog.handler)
    lines = [vars(line) for line in caplog.records if line.name == "mirante.access"]
    traced, plain = lines[0], lines[-1]
    assert (traced["trace_id"], traced["span_id"]) == (TRACE, SPAN)
    assert "trace_id" not in plain
