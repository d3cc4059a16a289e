from __future__ import annotations

import json

import pytest

from tests.wire.calls import Call
from tests.wire.replay import Answer, normalised, written


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (b'"20261125t022033z-f3dd52"', b'"<version>"'),
        (b'"2026-11-25T02:20:33Z"', b'"<time>"'),
        (b'"2026-11-25T02:20:33.123456Z"', b'"<time>"'),
        (b'"' + b"0a" * 32 + b'"', b'"<sha256>"'),
        (b"/v0/jobs/" + b"0a" * 16, b"/v0/jobs/<job>"),
        (b'"a5140e482238-7f"', b'"<id>"'),
    ],
)
def test_what_differs_from_run_to_run_is_replaced(given: bytes, kind: bytes) -> None:
    assert normalised(given) == kind


@pytest.mark.parametrize("given", [b"0.7728124", b'"my-own:id.1"', b"2026-11-25", b"0" * 32])
def test_what_does_not_is_kept(given: bytes) -> None:
    assert normalised(given) == given


def test_a_line_has_the_status_the_headers_and_the_body() -> None:
    headers = [("Date", "now"), ("Content-Length", "2"), ("Allow", "POST, OPTIONS")]
    line = written(Call("GET", "/x"), Answer(200, headers, b"{}"))
    assert (line["request"], line["status"], line["body"]) == ("GET /x", 200, "{}")
    assert line["headers"] == ["allow: OPTIONS, POST", "content-length: <right>"]


def test_a_wrong_length_is_seen() -> None:
    line = written(Call("GET", "/x"), Answer(200, [("content-length", "3")], b"{}"))
    assert line["headers"] == ["content-length: 3"]


def test_a_body_that_is_no_text_and_a_long_one_differ() -> None:
    bodies = [b"\xff\x00", b"\xff\x01", b"a" * 200_000, b"b" * 200_000]
    lines = [json.dumps(written(Call("GET", "/"), Answer(200, [], body))) for body in bodies]
    assert len(set(lines)) == 4
