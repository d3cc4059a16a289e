from __future__ import annotations

import logging
from http import HTTPStatus

import pytest

from serving.http.framing import Head, HeadRefused, refusal
from serving.observation import access_log

# tests/rim sends the same as bytes to a real gunicorn.


def status_of(version: str = "1.1", method: bytes = b"GET", **fields: bytes) -> int:
    """Return the status that refuses a head, 0 when nothing does."""
    headers = [(name.encode().replace(b"_", b"-"), value) for name, value in fields.items()]
    try:
        Head(b"/", headers).check(method, version)
    except HeadRefused as refused:
        return refused.status
    return 0


@pytest.mark.parametrize("host", [b"a", b"a.b:80", b"[::1]:80", b"127.0.0.1", b"a_b-c~", b""])
def test_a_host_is_a_name_or_an_address_with_a_port(host: bytes) -> None:
    assert status_of(host=host) == 0


@pytest.mark.parametrize(
    "host", [b"a b", b"a/b", b"u@a", b"a:b", b"a:1:2", b"::1", b"a,b/", b"\xe4"]
)
def test_what_is_no_host_is_refused(host: bytes) -> None:
    assert status_of(host=host) == 400


def test_http_1_0_needs_no_host_and_knows_no_coding() -> None:
    assert (status_of("1.0"), status_of("1.1")) == (0, 400)
    assert status_of("1.0", transfer_encoding=b"chunked") == 400


def test_a_coding_that_is_not_known_is_501_if_the_body_has_an_end() -> None:
    assert status_of(host=b"a", transfer_encoding=b"Chunked") == 0
    assert status_of(host=b"a", transfer_encoding=b"gzip, chunked") == 501
    assert status_of(host=b"a", transfer_encoding=b"chunked, gzip") == 400


def test_a_head_has_at_most_a_hundred_fields_and_65536_bytes() -> None:
    field = (b"name", b"a" * 646)  # and four bytes between and behind
    Head(b"/" * 136, [field] * 100)
    with pytest.raises(HeadRefused):
        Head(b"/" * 137, [field] * 100)
    with pytest.raises(HeadRefused):
        Head(b"/", [(b"a", b"")] * 101)


def test_a_refusal_is_a_whole_answer() -> None:
    answer = refusal(HTTPStatus.SERVICE_UNAVAILABLE)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}\r\n".encode() in head
    assert b"retry-after: 1\r\n" in head
    assert head.endswith(b"connection: close")


def test_a_refusal_is_in_the_log_under_its_id(caplog: pytest.LogCaptureFixture) -> None:
    access_log.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, access_log.name)
    answer = refusal(HTTPStatus.BAD_REQUEST)
    access_log.removeHandler(caplog.handler)
    line = vars(caplog.records[0])
    assert (line["status"], line["detail"]) == (400, "not an HTTP request")
    assert f"x-request-id: {line['request_id']}\r\n".encode() in answer
