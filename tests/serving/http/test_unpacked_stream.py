"""Packed bodies as streams: whole, in pieces, and refused where they are not what they say."""

from __future__ import annotations

import gzip
import io
import random
import tracemalloc
import zlib
from collections.abc import Callable

import pyarrow as pa
import pytest

from errors import ParseError
from serving.http.unpacked_stream import PIECE, unpacked_stream
from serving.refusals import MediaTypeError

NOISE = random.Random(3).randbytes(3 * PIECE)


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def zstd(data: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return packed


PACKERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    (" X-GZIP ", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", bare),
    ("zstd", zstd),
]


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
@pytest.mark.parametrize("data", [b"x", b"a,b\n" * 500_000, NOISE])
def test_what_was_packed_is_read(encoding: str, pack: Callable[[bytes], bytes], data: bytes):
    assert unpacked_stream(io.BytesIO(pack(data)), encoding).read() == data


@pytest.mark.parametrize(("encoding", "pack"), [PACKERS[0], PACKERS[4]])
@pytest.mark.parametrize("size", [1, 7, PIECE - 1, PIECE, PIECE + 1])
def test_every_member_is_read(encoding: str, pack: Callable[[bytes], bytes], size: int):
    parts = [NOISE[:size], b"", NOISE[size : 2 * size], b"the end"]
    packed = b"".join(map(pack, parts))
    assert unpacked_stream(io.BytesIO(packed), encoding).read() == b"".join(parts)


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
def test_what_is_not_asked_for_is_not_unpacked(encoding: str, pack: Callable[[bytes], bytes]):
    packed = io.BytesIO(pack(bytes(100_000_000)))
    tracemalloc.start()
    try:
        assert unpacked_stream(packed, encoding).read(1000) == bytes(1000)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
@pytest.mark.parametrize("change", ["empty", "cut", "other", "more"])
def test_what_is_damaged_is_refused(encoding: str, pack: Callable[[bytes], bytes], change: str):
    packed = pack(NOISE)
    changed = {"empty": b"", "cut": packed[:-9], "other": b"a,b\n" * 9, "more": packed + b"more"}
    with pytest.raises(ParseError):
        unpacked_stream(io.BytesIO(changed[change]), encoding).read()


def test_gzip_has_ten_thousand_members_at_most():
    one = gzip.compress(b"x", mtime=0)
    assert len(unpacked_stream(io.BytesIO(one * 10_000), "gzip").read()) == 10_000
    with pytest.raises(ParseError, match="more than 10000 members"):
        unpacked_stream(io.BytesIO(one * 10_001), "gzip").read()


def test_another_encoding_is_refused():
    with pytest.raises(MediaTypeError, match="gzip, deflate, zstd or none"):
        unpacked_stream(io.BytesIO(b""), "br")
