"""Parquet and Arrow; test_formats.py compares them with the same table as CSV."""

from __future__ import annotations

import io

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from errors import DatasetError
from tables.readers.columnar import read_arrow, read_parquet, without_views

TABLE = pa.table({"a": [1, None], "b": ["x", "y"]})


def parquet_of(table: pa.Table) -> bytes:
    out = io.BytesIO()
    parquet.write_table(table, out)
    return out.getvalue()


def arrow_of(table: pa.Table) -> bytes:
    out = io.BytesIO()
    with ipc.new_file(out, table.schema) as file:
        file.write_table(table)
    return out.getvalue()


def test_columns_are_the_texts_of_a_file() -> None:
    for table in (read_parquet(parquet_of(TABLE)), read_arrow(arrow_of(TABLE))):
        assert table.columns == {"a": ["1", ""], "b": ["x", "y"]}


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (pa.table({"a": [[1], [2]]}), "column a holds list"),
        (pa.table([[1], [2]], ["a", "a"]), "two columns of one name"),
        (TABLE[:0], "the table is empty"),
    ],
)
def test_what_is_no_table_of_values_is_refused(table: pa.Table, why: str) -> None:
    with pytest.raises(DatasetError, match=why):
        read_arrow(arrow_of(table))


def test_damaged_bytes_are_refused() -> None:
    with pytest.raises(DatasetError, match="the Parquet file is damaged"):
        read_parquet(parquet_of(TABLE)[:-9])
    with pytest.raises(DatasetError, match="the Arrow data is damaged"):
        read_arrow(b"ARROW1\0\0nothing")


def test_categories_whose_words_are_views_are_texts() -> None:
    words = pa.array(["b", "a"], pa.string_view())
    column = pa.DictionaryArray.from_arrays(pa.array([0, None, 1], pa.uint32()), words)
    plain = without_views(pa.chunked_array([column, column[:1]]))
    assert plain.type == pa.dictionary(pa.uint32(), pa.large_string())
    assert plain.to_pylist() == ["b", None, "a", "b"]
    assert without_views(pa.chunked_array([], column.type)).to_pylist() == []
    table = read_arrow(arrow_of(pa.table({"x": column, "y": [1, 2, 3]})))
    assert table.columns["x"] == ["b", "", "a"]
