"""CORS: any origin, named origins, none."""

from __future__ import annotations

from serving.cors import EXPOSED, SENT, Cors

ORIGIN = b"access-control-allow-origin"


def test_any_origin_may_read_by_default_and_none_when_none_is_named():
    assert dict(Cors(("*",)).headers(b"https://a.example"))[ORIGIN] == b"*"
    assert Cors(()).headers(b"https://a.example") == ()


def test_a_named_origin_is_told_and_caches_are_warned():
    cors = Cors(("https://a.example",))
    headers = dict(cors.headers(b"https://a.example"))
    assert headers[ORIGIN] == b"https://a.example"
    assert headers[b"vary"] == b"Origin"
    assert dict(cors.headers(b"https://b.example")) == {b"vary": b"Origin"}


def test_a_request_that_comes_from_no_page_is_told_nothing():
    assert Cors(("*",)).headers(None) == ()


def test_only_an_origin_that_may_read_is_told_what_it_may_send():
    cors = Cors(("https://a.example",))
    granted = dict(cors.preflight(b"https://a.example", b"POST"))
    assert granted[b"access-control-allow-methods"] == b"POST"
    assert b"authorization" in granted[b"access-control-allow-headers"].lower()
    refused = dict(cors.preflight(b"https://b.example", b"POST"))
    assert b"access-control-allow-methods" not in refused


def test_what_a_page_asks_to_send_is_allowed_where_any_page_may_read():
    name = b"access-control-allow-headers"
    asked = b"x-datadog-trace-id, traceparent"
    headers = Cors(("*",)).preflight(b"https://a.example", b"POST", asked)
    assert dict(headers)[name] == asked
    assert (b"vary", b"Access-Control-Request-Headers") in headers
    for value in (b"a\r\nset-cookie: x", b"", b"x" * 1025):
        assert dict(Cors(("*",)).preflight(b"https://a.example", b"POST", value))[name] == SENT
    named = Cors(("https://a.example",)).preflight(b"https://a.example", b"POST", asked)
    assert dict(named)[name] == SENT


def test_every_header_that_a_route_reads_may_be_sent():
    for name in ("traceparent", "content-encoding", "inference-header-content-length"):
        assert name.encode() in SENT.lower()
    assert b"X-Warnings" in EXPOSED


def test_whether_a_page_may_read_is_one_rule():
    assert Cors(("*",)).allows(b"https://b.example")
    named = Cors(("https://a.example",))
    assert named.allows(b"https://a.example")
    assert not named.allows(b"https://b.example")
    assert not Cors(()).allows(b"https://a.example")
