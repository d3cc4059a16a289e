"""Partitions: which files and groups of rows a table is made of, and what a chunk has."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from errors import DatasetError
from tables.readers import batches, delimited, partitions, read_table
from tables.readers.partitions import Partition, find_partitions, is_parted, read_chunks
from tests.tables.readers.parted import NAMES, rows_of, split, write_parts


def read(source):
    """All cells of all chunks of all parts, by column."""
    chunks = [chunk for part in find_partitions(source) for chunk in read_chunks(part)]
    return {name: [cell for c in chunks for cell in c.columns[name]] for name in NAMES}


def whole(file):
    table = read_table(file)
    return {name: list(table.columns[name]) for name in NAMES}


def refusal(source):
    with pytest.raises(DatasetError) as refused:
        read(source)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(partitions, "CHUNK_CELLS", len(NAMES) * 100)
    monkeypatch.setattr(batches, "BATCH_BYTES", 4096)
    monkeypatch.setattr(batches, "SAMPLE_BYTES", 4096)
    monkeypatch.setattr(delimited, "SAMPLE_BYTES", 4096)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_parts_read_in_chunks_are_the_whole_table(tmp_path, kind, small_chunks):
    table = rows_of(1_000)
    folder = write_parts(tmp_path / "parts", split(table, 3), kind)
    alone = write_parts(tmp_path / "alone", [table], kind)
    assert read(folder) == whole(alone / f"part-000.{kind}") == read(str(folder / f"part-*.{kind}"))


def test_a_chunk_says_which_rows_of_its_part_it_has(tmp_path, small_chunks):
    folder = write_parts(tmp_path / "parts", [rows_of(300)])
    (part,) = find_partitions(folder)
    chunks = list(read_chunks(part))
    assert len(chunks) > 1
    assert [index for chunk in chunks for index in chunk.indices] == list(range(300))


def test_groups_of_rows_make_partitions_of_a_large_file(tmp_path, monkeypatch):
    file = tmp_path / "table.parquet"
    parquet.write_table(rows_of(1_000), file, row_group_size=250)
    assert len(find_partitions(file)) == 1
    monkeypatch.setattr(partitions, "PARTITION_BYTES", 1)
    found = find_partitions(file)
    assert [part.groups for part in found] == [(0,), (1,), (2,), (3,)]
    assert [part.number for part in found] == [1, 2, 3, 4]
    assert read(file) == whole(file)


def test_packed_text_and_arrow_are_read(tmp_path, small_chunks):
    folder = write_parts(tmp_path / "parts", [rows_of(500)])
    data = (folder / "part-000.csv").read_bytes()
    (tmp_path / "table.csv.gz").write_bytes(gzip.compress(data, mtime=0))
    feather.write_feather(rows_of(500), str(tmp_path / "table.arrow"))
    assert read(tmp_path / "table.csv.gz") == whole(folder / "part-000.csv")
    assert read(tmp_path / "table.arrow") == whole(tmp_path / "table.arrow")


def test_other_delimiters_quotes_and_lines_within_cells_are_read(tmp_path, small_chunks):
    lines = ["age;wage;plan;since;member;stays", '1;2,5;"a ""b"";\nc";2020-01-01;yes;no'] * 1
    (tmp_path / "table.csv").write_text("\n".join([*lines, *lines[1:] * 200]) + "\n")
    assert read(tmp_path / "table.csv") == whole(tmp_path / "table.csv")


def test_a_part_without_rows_has_no_chunk(tmp_path):
    folder = write_parts(tmp_path / "parts", [rows_of(10), rows_of(10).slice(0, 0)])
    first, empty = find_partitions(folder)
    assert sum(map(len, read_chunks(first))) == 10
    assert list(read_chunks(empty)) == []
    none = write_parts(tmp_path / "other", [rows_of(10).slice(0, 0)], "parquet")
    assert [len(c) for p in find_partitions(none) for c in read_chunks(p)] == []


def test_what_cannot_be_read_is_named_by_its_part(tmp_path):
    folder = write_parts(tmp_path / "parts", [rows_of(10)] * 3)
    (folder / "part-001.csv").write_text(",".join(NAMES) + "\n1,2,3\n" + "1,2,3,4,5,6\n" * 9)
    said = refusal(folder)
    assert said == "part 2 (part-001.csv): row 1: 6 cells are needed, it has 3 cells"
    (folder / "part-001.csv").write_bytes(b"PAR1 and then nothing")
    assert "the Parquet file is damaged or cut short" in refusal(folder)
    (folder / "part-001.csv").write_bytes(",".join(NAMES).encode() + b"\n1,2,\0,4,5,6\n" * 5)
    assert "has a zero byte" in refusal(folder)


def test_there_must_be_a_file(tmp_path):
    assert "there is no such file" in refusal(str(tmp_path / "none-*.csv"))
    assert "No such file" in refusal(tmp_path / "none.csv")


def test_a_pattern_a_folder_and_a_bucket_are_parts(tmp_path):
    assert is_parted("part-*.csv")
    assert is_parted(tmp_path)
    assert is_parted("s3://bucket/table.parquet")
    assert not is_parted(tmp_path / "table.csv")
    assert not is_parted(lambda: None)


def test_settings_of_a_store_are_not_shown():
    part = Partition("s3://bucket/part", 1, options={"secret_access_key": "hidden"})
    assert "hidden" not in repr(part)
    assert part.name == "part 1 (part)"


def test_two_columns_of_one_name_are_refused(tmp_path):
    table = rows_of(5)
    twice = pa.table([table.column(0), table.column(0)], names=["age", "age"])
    parquet.write_table(twice, tmp_path / "twice.parquet")
    assert "two columns of one name" in refusal(tmp_path / "twice.parquet")
