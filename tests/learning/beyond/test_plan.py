"""A plan: shares and blocks by the memory there is."""

from __future__ import annotations

from learning.beyond.plan import FEWEST_ROWS, MOST_ROWS, Plan, plan_of, rows_in_memory

MEBIBYTE = 2**20


def test_a_small_table_is_split_as_in_memory():
    assert plan_of(5_000, 13, 512 * MEBIBYTE) == Plan(0.2, 0.2, 1.0, 1)


def test_of_a_large_table_no_more_is_held_out_than_tells():
    plan = plan_of(10_000_000, 13, 1024 * MEBIBYTE)
    assert plan.held == 100_000 / 10_000_000
    assert plan.tuned == 50_000 / 10_000_000
    assert 0.0100 < plan.sampled < 0.0102
    assert plan.blocks == 40


def test_less_memory_means_smaller_tables_and_more_blocks():
    assert rows_in_memory(13, 1024 * MEBIBYTE) == MOST_ROWS == 100_000
    assert rows_in_memory(13, 32 * MEBIBYTE) == 21_845
    assert rows_in_memory(13, MEBIBYTE) == FEWEST_ROWS == 10_000
    blocks = [plan_of(5_000_000, 13, size * MEBIBYTE).blocks for size in (8, 16, 1024)]
    assert blocks == [109, 55, 20]
