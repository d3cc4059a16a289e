"""Bytes of text to UTF-8."""

from __future__ import annotations

import codecs

import pytest

from errors import DatasetError
from tables.readers.encoding import first_not_utf8, to_utf8

TEXT = "a,b\nolá,€\n"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (codecs.BOM_UTF8 + TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("cp1252"), "cp1252"),
    ],
)
def test_text_is_utf_8_whatever_it_was(data: bytes, encoding: str) -> None:
    assert to_utf8(data) == (TEXT.encode(), encoding)


def test_what_cp1252_has_not_is_latin_1() -> None:
    assert to_utf8(b"a\x81\xe1\n") == ("a\x81á\n".encode(), "latin-1")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("á\né\n".encode() + b"\xff\n", "line 3 has a byte that cannot be"),
        (b"a\nb\0\n", "line 2 has a zero byte"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8", "begins as UTF-16 does"),
    ],
)
def test_damaged_text_is_refused_by_line(data: bytes, why: str) -> None:
    with pytest.raises(DatasetError, match=why):
        to_utf8(data)


@pytest.mark.parametrize("start", [0, 2**20 - 1, 2**20, 2**20 + 1])
def test_the_first_wrong_byte_is_found_across_chunks(start: int) -> None:
    assert first_not_utf8(b"a" * start + b"\xc3(") == start
    assert first_not_utf8(b"a" * start + "é".encode()) is None
    assert first_not_utf8(b"a" * start + b"\xc3") == start
