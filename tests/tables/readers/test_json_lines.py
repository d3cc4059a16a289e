"""JSON and JSON Lines to columns; test_formats.py compares them with the same table as CSV."""

from __future__ import annotations

import pytest

from errors import DatasetError
from tables.readers.json_lines import read_json

COLUMNS = {"a": [1, None, 2.5], "b": ["x", True, None]}


@pytest.mark.parametrize(
    "data",
    [
        b'[{"a":1,"b":"x"},{"b":true},{"a":2.5,"b":null}]',
        b'{"a":1,"b":"x"}\n{"b":true}\n\n{"a":2.5}\n',
        b'{"a":[1,null,2.5],"b":["x",true,null]}',
        b'\xef\xbb\xbf[{"a":1,"b":"x"},{"b":true},{"a":2.5}]',
    ],
)
def test_rows_and_columns_are_one_table(data: bytes) -> None:
    table = read_json(data)
    assert table is not None
    assert table.columns == COLUMNS


@pytest.mark.parametrize("data", [b"[1", b'"a"', b"3", b"\xff", b"[" * 5000])
def test_what_is_not_json_may_be_something_else(data: bytes) -> None:
    assert read_json(data) is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "the table is empty"),
        (b"[]", "the table is empty"),
        (b"[1]", "row 1 of the JSON is no object"),
        (b'[{"a":1},{"a":{}}]', "column a, row 2"),
        (b'{"a":1}', "the JSON is no table"),
    ],
)
def test_json_that_is_no_table_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(DatasetError, match=why):
        read_json(data)
