"""Bytes of text in any of the encodings that tables have, to UTF-8."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from errors import DatasetError

_CHUNK = 2**20
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class Encoded(NamedTuple):
    """Text in UTF-8 without a byte order mark, and the encoding that it had."""

    data: bytes
    encoding: str


def to_utf8(data: bytes) -> Encoded:
    """Return text as UTF-8: it is UTF-8, UTF-16 with a byte order mark, or else cp1252 or Latin-1.

    Raises DatasetError, naming the line, for zero bytes and for UTF-8 that is damaged.
    """
    mark = _UTF16.get(data[:2])
    if mark:
        return Encoded(_checked(_decoded(data[2:], mark).encode()), "utf-16")
    data = data.removeprefix(codecs.BOM_UTF8)
    _checked(data)
    wrong = first_not_utf8(data)
    if wrong is None:
        return Encoded(data, "utf-8")
    if _is_mostly_utf8(data):
        line = data.count(b"\n", 0, wrong) + 1
        raise DatasetError(
            f"the table is not UTF-8: line {line} has a byte that cannot be; save it as UTF-8"
        )
    encoding = "cp1252" if _is(data, "cp1252") else "latin-1"
    return Encoded(data.decode(encoding).encode(), encoding)


def first_not_utf8(data: bytes) -> int | None:
    """Return the index of the first byte that is not UTF-8's; a chunk at a time, keeping none."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    for start in range(0, len(data), _CHUNK):
        kept = len(decoder.getstate()[0])
        try:
            decoder.decode(view[start : start + _CHUNK], final=start + _CHUNK >= len(data))
        except UnicodeDecodeError as error:
            return start - kept + error.start
    return None


def _checked(data: bytes) -> bytes:
    zero = data.find(b"\0")
    if zero >= 0:
        line = data.count(b"\n", 0, zero) + 1
        raise DatasetError(f"the table is not text: line {line} has a zero byte")
    return data


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise DatasetError("the table begins as UTF-16 does, and is not UTF-16") from None


def _is_mostly_utf8(data: bytes) -> bool:
    """Whether more characters beyond ASCII are good UTF-8 than are none."""
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    return beyond > 2 * wrong


def _is(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
