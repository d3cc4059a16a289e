"""CORS: any origin, named origins, none."""

from __future__ import annotations

from serving.cors import Cors

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
