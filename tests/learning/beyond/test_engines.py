"""Which engine a table is learnt by."""

from __future__ import annotations

import io

from learning.beyond.engine import Here
from learning.beyond.engines import is_too_large, open_engine


def engine_for(source, memory, **more):
    with open_engine(source, memory, **more) as engine:
        return engine


def test_a_table_that_fits_is_learnt_whole(tmp_path):
    file = tmp_path / "table.csv"
    file.write_bytes(b"x" * 1_000)
    assert engine_for(file, 8_000) is None
    assert isinstance(engine_for(file, 7_999), Here)
    assert isinstance(engine_for(str(file), 8_000, in_parts=True), Here)


def test_what_is_packed_needs_more(tmp_path):
    file = tmp_path / "table.parquet"
    file.write_bytes(b"x" * 1_000)
    assert is_too_large(file, 23_999)
    assert not is_too_large(file, 24_000)


def test_parts_are_learnt_in_parts(tmp_path):
    assert engine_for("part-*.csv", 2**40).memory == 2**40
    assert isinstance(engine_for("s3://bucket/part-*", 2**40), Here)
    assert isinstance(engine_for(tmp_path, 2**40), Here)


def test_what_has_no_file_is_learnt_whole():
    assert engine_for(lambda: None, 0) is None
    assert engine_for(io.BytesIO(), 0) is None
