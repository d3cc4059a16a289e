from __future__ import annotations

import gzip
import zlib

import pytest

from tables.readers.gzipped import gunzip

ONE = gzip.compress(b"one")


def test_every_member_is_unpacked():
    large = gzip.compress(b"x" * 1_000_000)
    data = ONE + large + ONE
    assert gunzip(data, 2_000_000) == (b"one" + b"x" * 1_000_000 + b"one", len(data))
    assert gunzip(b"", 10) == (b"", 0)


def test_where_the_last_member_ends_is_said():
    assert gunzip(ONE + b"junk", 10) == (b"one", len(ONE))


def test_no_more_than_the_limit_is_unpacked():
    assert gunzip(ONE * 2, 6)[0] == b"oneone"
    with pytest.raises(OverflowError):
        gunzip(ONE * 2, 5)


def test_what_is_cut_short_or_damaged_is_refused():
    with pytest.raises(ValueError, match="cut short"):
        gunzip(ONE + ONE[:-5], 10)
    with pytest.raises(zlib.error):
        gunzip(ONE[:12] + b"\xff\xff" + ONE[14:], 10)


def test_members_are_bounded_and_cost_no_more_than_their_bytes():
    empty = gzip.compress(b"")
    assert gunzip(empty * 10_000, 10)[0] == b""
    # A copy of the rest for each member would be terabytes.
    with pytest.raises(ValueError, match="more than 10000 members"):
        gunzip(empty * 3_000_000, 10)
