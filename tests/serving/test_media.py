"""Media types, unpacking, and CSV."""

from __future__ import annotations

import gzip
import zlib

import pyarrow as pa
import pytest

from errors import ParseError
from serving import media
from serving.exchange import Exchange, Route
from serving.protocols import v0
from serving.refusals import BodyTooLarge, MediaTypeError, NotAcceptable


def request(**headers: str) -> Exchange:
    named = {k.replace("_", "-").encode(): v.encode() for k, v in headers.items()}
    return Exchange(Route("POST", "/", "predict", v0), named, "id")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("", media.JSON),
        ("application/json; charset=utf-8", media.JSON),
        ("Application/JSON", media.JSON),
        ("text/csv; header=present", media.CSV),
        ("text/tab-separated-values", media.CSV),
        ("application/jsonlines", media.JSON_LINES),
    ],
)
def test_the_bodys_type_is_read_without_its_parameters(given, read):
    assert media.readable(request(content_type=given)) == read


def test_a_type_nobody_reads_is_refused_with_those_that_are():
    with pytest.raises(MediaTypeError, match="text/csv"):
        media.readable(request(content_type="text/plain"))


@pytest.mark.parametrize(
    ("accept", "written"),
    [
        ("*/*", media.JSON),
        ("text/csv", media.CSV),
        ("text/html, text/csv;q=0.9, application/json;q=0.5", media.CSV),
        ("text/csv;q=0.1, application/json", media.JSON),
        ("text/csv;q=0, */*", media.JSON),
        ("text/csv;q=nonsense, application/json;q=0.1", media.JSON),
    ],
)
def test_the_answers_type_is_the_one_most_wanted(accept, written):
    assert media.writable(request(accept=accept)) == written
    assert media.writable(request()) == media.JSON


def test_a_type_nobody_writes_is_refused():
    with pytest.raises(NotAcceptable):
        media.writable(request(accept="image/png, application/json;q=0"))


def test_a_body_is_unpacked_up_to_its_limit_and_no_further():
    packed = gzip.compress(b"x" * 1000)
    assert media.unpack(packed, b"gzip", 1000) == b"x" * 1000
    with pytest.raises(BodyTooLarge):
        media.unpack(packed, b"gzip", 999)


def test_every_member_of_a_gzip_body_is_read():
    packed = gzip.compress(b"a\n1\n") + gzip.compress(b"2\n" * 50_000) + gzip.compress(b"3\n")
    assert media.unpack(packed, b"gzip", 200_000) == b"a\n1\n" + b"2\n" * 50_000 + b"3\n"
    with pytest.raises(BodyTooLarge):
        media.unpack(packed, b"gzip", 100_003)
    with pytest.raises(ParseError):
        media.unpack(packed + b"junk", b"gzip", 200_000)


def test_a_gzip_body_has_ten_thousand_members_at_most():
    one = gzip.compress(b"")
    assert media.unpack(one * 10_000, b"gzip", 10) == b""
    with pytest.raises(ParseError, match="10000 members"):
        media.unpack(one * 10_001, b"gzip", 10)


@pytest.mark.parametrize(
    ("said", "charset"),
    [
        ("text/csv", ""),
        ("text/csv; header=present; charset=windows-1252", "windows-1252"),
        ('text/csv;CHARSET="utf-16"', "utf-16"),
    ],
)
def test_the_encoding_that_a_content_type_names(said, charset):
    assert media.charset(request(**{"content-type": said})) == charset


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b"x" * 1000, mtime=0)[:-9]])
def test_what_is_not_whole_gzip_is_malformed(body):
    with pytest.raises(ParseError):
        media.unpack(body, b"gzip", 10_000)


def test_a_table_is_written_as_csv():
    assert (
        media.write_csv(("a", "b"), [('x, "y"', 1.5), ("", 2.0)]) == b'a,b\n"x, ""y""",1.5\n,2.0\n'
    )


def _bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        (b"deflate", zlib.compress),
        (b"deflate", _bare),
        (b" ZSTD ", lambda data: pa.compress(data, "zstd", asbytes=True)),
    ],
)
def test_other_encodings_are_undone_within_the_limit(name, pack):
    packed = pack(b"x" * 1000)
    assert media.unpack(packed, name, 1000) == b"x" * 1000
    with pytest.raises(BodyTooLarge, match="unpacks to more than 999 bytes"):
        media.unpack(packed, name, 999)
    for body in (b"", b"nothing packed", packed[:-4]):
        with pytest.raises(ParseError, match=r"not (deflate|zstd), though"):
            media.unpack(body, name, 1000)


def test_a_cell_that_a_spreadsheet_would_run_begins_with_a_quote():
    cells = ("=1+1", "+x", "-x", "@a", "\ta", "a=1", "-1", -1.5)
    assert media.write_csv(("=h",), [cells]) == b"'=h\n'=1+1,'+x,'-x,'@a,'\ta,a=1,-1,-1.5\n"
