"""Which request heads are refused: how much there may be of one, and how a body is framed.

The parser (llhttp) refuses what breaks the grammar of RFC 9112: bare LF, folded
lines, a space before a colon, two lengths, a length beside chunks. Here stands
what it lets through.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus

from serving.observation import access_log
from serving.problems import problem

# gunicorn's own limits (100 fields of 8 kB) do not reach uvicorn; no client sends half of this.
MAX_HEAD_BYTES = 64 * 1024
MAX_FIELDS = 100
HEAD_SECONDS = 30.0
# 2^63 has nineteen digits.
MOST_DIGITS = 19

BAD_REQUEST = HTTPStatus.BAD_REQUEST
TOO_LONG = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

# uri-host [":" port], RFC 3986, 3.2.2: a name or an IPv4 address, or another one in brackets.
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)?(?::[0-9]{0,5})?")
_RARE = frozenset({b"expect", b"transfer-encoding"})
_VERSIONS = frozenset({"1.0", "1.1"})
_DETAILS = {
    BAD_REQUEST: "not an HTTP request",
    HTTPStatus.REQUEST_TIMEOUT: f"no complete request head within {HEAD_SECONDS:g} s",
    TOO_LONG: f"a head or trailer above {MAX_HEAD_BYTES} bytes or {MAX_FIELDS} fields",
    HTTPStatus.NOT_IMPLEMENTED: "a method or transfer coding that is not known here",
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED: "expected HTTP/1.1 or HTTP/1.0",
    HTTPStatus.SERVICE_UNAVAILABLE: "too many connections wait; try again in a second",
}


class HeadRefused(Exception):
    """A head that is answered with `status` alone."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


class Head:
    """A head that is there: the fields of it that decide where its request ends."""

    host: bytes | None = None
    coding: bytes | None = None
    length: bytes | None = None
    waits_for_100 = False

    def __init__(self, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Look at the fields, whose names are lower case. Raises HeadRefused."""
        # One loop and no call a field: every request pays for it.
        size = len(url)
        for name, value in headers:
            size += len(name) + len(value) + 4
            if name == b"host":
                if self.host is not None or not _is_host(value):
                    raise HeadRefused(BAD_REQUEST)
                self.host = value
            elif name == b"content-length":
                if len(value) > MOST_DIGITS:
                    raise HeadRefused(BAD_REQUEST)
                self.length = value
            elif name in _RARE:
                self._take_rare(name, value.lower())
        if size > MAX_HEAD_BYTES or len(headers) > MAX_FIELDS:
            raise HeadRefused(TOO_LONG)

    def _take_rare(self, name: bytes, value: bytes) -> None:
        if name == b"expect":
            self.waits_for_100 = value == b"100-continue"
        else:
            self.coding = value

    def check(self, method: bytes, version: str) -> None:
        """Refuse what cannot be answered (RFC 9112: 2.3, 3.2, 6.1). Raises HeadRefused."""
        if version not in _VERSIONS:
            newer = HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
            raise HeadRefused(newer if version > "1.1" else BAD_REQUEST)
        if method == b"CONNECT":
            raise HeadRefused(HTTPStatus.NOT_IMPLEMENTED)
        if self.host is None and version == "1.1":
            raise HeadRefused(BAD_REQUEST)
        if self.coding is not None and (version == "1.0" or self.coding != b"chunked"):
            known = version == "1.0" or not self.coding.endswith(b"chunked")
            raise HeadRefused(BAD_REQUEST if known else HTTPStatus.NOT_IMPLEMENTED)

    @property
    def framing(self) -> bytes:
        """The field that says where the body ends, as a line; nothing when there is no body."""
        if self.coding is not None:
            return b"transfer-encoding: chunked\r\n"
        return b"content-length: " + self.length + b"\r\n" if self.length else b""


@lru_cache(maxsize=64)  # most requests name the same one
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None


def refusal(status: HTTPStatus) -> bytes:
    """Return a whole answer, a problem document, after which the connection closes; log it."""
    request_id = secrets.token_hex(16)
    answer = problem(status, _DETAILS[status], request_id)
    # No request was made of it, so that none is recorded.
    told = {"detail": _DETAILS[status], "request_id": request_id, "status": status.value}
    access_log.info("refused before it was a request", extra=told)
    again = "retry-after: 1\r\n" if status == HTTPStatus.SERVICE_UNAVAILABLE else ""
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"content-type: {answer.content_type.decode()}\r\ncontent-length: {len(answer.body)}\r\n"
        f"x-request-id: {request_id}\r\n{again}connection: close\r\n\r\n"
    )
    return head.encode() + answer.body
