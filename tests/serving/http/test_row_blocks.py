from __future__ import annotations

import random

import pytest

from serving.http.row_blocks import RowBlocks


def blocks(data: bytes, part: int, size: int, *, quoted: bool = True) -> list[bytes]:
    """Return the blocks of a body that comes in parts, and its rest."""
    rows = RowBlocks(size, quoted=quoted)
    found = []
    for begin in range(0, len(data), part):
        rows.add(data[begin : begin + part])
        while block := rows.take():
            found.append(block)
    rest = rows.rest()
    return [*found, rest] if rest else found


@pytest.mark.parametrize("quoted", [True, False])
def test_every_byte_comes_back_and_no_block_ends_within_a_row(quoted: bool):
    drawn = random.Random(0)
    for _ in range(2_000):
        data = bytes(drawn.choices(b'ab,"\n', weights=[3, 3, 2, 1, 2], k=drawn.randrange(80)))
        part, size = drawn.randrange(1, 12), drawn.randrange(1, 20)
        found = blocks(data, part, size, quoted=quoted)
        assert b"".join(found) == data
        for block in found[:-1]:
            assert block.endswith(b"\n")
            assert not quoted or block.count(b'"') % 2 == 0


def test_a_block_is_as_many_whole_rows_as_it_may_hold():
    assert blocks(b"aa\nbb\ncc\ndd\n", 100, 7) == [b"aa\nbb\n", b"cc\ndd\n"]


def test_a_row_longer_than_a_block_is_a_block():
    assert blocks(b'"a\n\n\n\n\n\n"\nb\n', 3, 4) == [b'"a\n\n\n\n\n\n"\n', b"b\n"]


class Counted(bytearray):
    """Bytes that count how many of them are looked at."""

    looked = 0

    def find(self, sub, start=0, end=None):
        found = super().find(sub, start)
        Counted.looked += (found if found >= 0 else len(self)) - start
        return found

    def count(self, sub, start=0, end=None):
        Counted.looked += (len(self) if end is None else end) - start
        return super().count(sub, start, end)


@pytest.mark.parametrize("cell", [b'"' + b"\n" * 100_000, b'"' + b'" "\n' * 25_000, b"," * 100_000])
def test_a_body_that_never_ends_a_row_is_looked_at_a_few_times(cell: bytes):
    rows = RowBlocks(1_000, quoted=True)
    rows._data, Counted.looked = Counted(), 0
    for begin in range(0, len(cell), 500):
        rows.add(cell[begin : begin + 500])
        assert rows.take() == b""
    assert Counted.looked < 4 * len(cell)
