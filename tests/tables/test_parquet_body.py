from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import ipc

from tables import parquet_body
from tables.parquet_body import NO_PARQUET, TOO_MANY, TOO_MUCH, ParquetFault, stream_of


def parquet(table: pa.Table, **options) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def test_a_process_of_its_own_hands_back_a_stream():
    table = pa.table({"a": range(20_000), "b": ["x"] * 20_000})
    assert ipc.open_stream(stream_of(parquet(table), 20_000)).read_all().equals(table)


def test_what_cannot_be_read_is_told_by_a_number():
    data = parquet(pa.table({"a": range(100)}))
    with pytest.raises(ParquetFault) as caught:
        stream_of(data, 99)
    assert caught.value.number == TOO_MANY
    for damaged in (b"", data[:-9], data[: len(data) // 2], bytes(1000)):
        with pytest.raises(ParquetFault) as caught:
            stream_of(damaged, 100)
        assert caught.value.number == NO_PARQUET


def test_a_body_that_unpacks_to_more_than_may_be_ends_its_process(monkeypatch):
    # 32 kB that say the same million letters in each of 3,000 rows.
    bomb = parquet(pa.table({"a": ["x" * 1_000_000] * 3000}))
    assert len(bomb) < 2_000_000
    with pytest.raises(ParquetFault) as caught:
        stream_of(bomb, 10_000)
    assert caught.value.number in (TOO_MUCH, NO_PARQUET)


def test_one_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(parquet_body, "SECONDS", 0.005)
    with pytest.raises(ParquetFault) as caught:
        stream_of(parquet(pa.table({"a": range(100)})), 100)
    assert caught.value.number == TOO_MUCH
