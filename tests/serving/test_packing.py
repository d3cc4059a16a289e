"""Which encoding an answer has, and that it is packed only where that helps."""

from __future__ import annotations

import gzip
import zlib

import pyarrow as pa
import pytest

from serving.exchange import Answer
from serving.packing import choose, pack
from tests.serving.factory import ROW, ask, make_service


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, None),
        (b"gzip", b"gzip"),
        (b"gzip, deflate, br, zstd", b"gzip"),
        (b"gzip;q=0.5, zstd;q=0.9", b"zstd"),
        (b"*", b"gzip"),
        (b"*;q=0", None),
        (b"gzip;q=0, *", b"zstd"),
        (b"GZIP;q=0", None),
        (b"identity, gzip;q=0.5", None),
        (b"br", None),
        (b"deflate", b"deflate"),
        (b"gzip;q=0.5, deflate", b"deflate"),
        (b"", None),
        (b"gzip;q=x", None),
    ],
)
def test_the_best_liked_encoding_is_chosen_and_a_quality_of_0_refuses(accept, expected):
    assert choose(accept) == expected


def test_a_long_answer_is_packed_and_a_short_one_is_not():
    service = make_service()
    plain = ask(service, "/v0/predict", [ROW] * 50)
    names = [name for name, _ in plain.headers]
    assert b"content-encoding" not in names
    assert b"vary" in names
    packed = ask(service, "/v0/predict", [ROW] * 50, accept_encoding="gzip")
    assert dict(packed.headers)[b"content-encoding"] == b"gzip"
    assert gzip.decompress(packed.body)[:30] == plain.body[:30]
    short = ask(service, "/v0/predict", ROW, accept_encoding="gzip")
    assert b"content-encoding" not in dict(short.headers)


def test_deflate_is_in_zlibs_frame():
    found = pack(Answer(200, b"x" * 5000), b"deflate")
    assert zlib.decompress(found.body) == b"x" * 5000


def test_zstd_is_undone_to_the_same_bytes():
    found = pack(Answer(200, b"x" * 5000), b"zstd")
    assert pa.decompress(found.body, 5000, "zstd", asbytes=True) == b"x" * 5000
