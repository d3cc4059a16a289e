"""A small body is read alike wherever one is: what is longer is 413, declared or not."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder

from serving.http.small_body import small_body
from serving.refusals import BodyTooLarge


def read(body: bytes, declared: int | None) -> bytes:
    environ = {"wsgi.input": io.BytesIO(body), "REQUEST_METHOD": "POST"}
    terminated = {"wsgi.input_terminated": True}  # as `attend` has it under ASGI
    length = {} if declared is None else {"CONTENT_LENGTH": str(declared)}
    given = EnvironBuilder().get_environ() | environ | terminated | length
    with Flask(__name__).request_context(given):
        return small_body(10, "an order")


@pytest.mark.parametrize("body", [b"", b"a", b"a" * 10])
def test_a_small_body_is_read_whole(body: bytes) -> None:
    assert read(body, len(body)) == body
    assert read(body, None) == body


@pytest.mark.parametrize(
    ("body", "declared"),
    [
        (b"a" * 11, 11),
        (b"a" * 11, None),
        (b"", 10**9),  # too long to have been read at all
    ],
)
def test_a_longer_one_is_refused(body: bytes, declared: int | None) -> None:
    with pytest.raises(BodyTooLarge, match="an order is at most 10 bytes of JSON"):
        read(body, declared)
