"""Digests of rows: equal for equal rows only, in every process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from tables.batch import Batch
from tables.row_digests import row_digests, text_digests

NAN = float("nan")


def digests(rows: list[list[float]], *texts: list[str]) -> list[int]:
    return row_digests(Batch(np.array(rows, dtype=np.float32), texts)).tolist()


def test_equal_rows_have_one_digest_and_others_have_others() -> None:
    first, again, swapped, other = digests([[1, 2], [1, 2], [2, 1], [1, 3]])
    assert first == again
    assert len({first, swapped, other}) == 3


def test_missing_values_are_equal_whatever_their_bits_and_so_are_zeros() -> None:
    bits = np.array([0x7FC00000, 0x7FC00001, 0xFFC00000], dtype=np.uint32)
    assert len(set(row_digests(Batch(bits.view(np.float32)[:, None])).tolist())) == 1
    assert len(set(digests([[0.0], [-0.0]]))) == 1
    assert len(set(digests([[NAN], [0.0]]))) == 2


def test_texts_count_too() -> None:
    first, again, other, odd = digests([[1]] * 4, ["a", "a", "b", "\ud800"])
    assert first == again
    assert len({first, other, odd}) == 3


def test_a_million_rows_of_few_values_do_not_meet() -> None:
    rows = np.array(np.meshgrid(*[np.arange(100)] * 3), dtype=np.float32).reshape(3, -1).T
    assert len(np.unique(row_digests(Batch(np.ascontiguousarray(rows))))) == 1_000_000


def test_another_process_finds_the_same() -> None:
    """Python's own hash of a text differs from process to process."""
    code = "from tables.row_digests import text_digests as f; print(f(['a', '']).tolist())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(text_digests(["a", ""]).tolist())
