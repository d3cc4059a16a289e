from __future__ import annotations

import pytest

from errors import DatasetError
from tables.table import Table


def test_columns_are_of_one_length() -> None:
    assert len(Table({"a": [1, 2], "b": ["x", None]})) == 2
    assert len(Table({})) == 0
    with pytest.raises(DatasetError, match="not all of one length"):
        Table({"a": [1], "b": []})


def test_cells_are_the_texts_that_a_file_would_have() -> None:
    assert Table({"a": [1, None, True, "x", "NA"]}).cells("a") == ["1", None, "true", "x", None]


def test_a_row_is_named_by_its_number_and_the_line_of_its_file() -> None:
    table = Table({"a": ["1", "2"]}, lines=[3])
    assert [table.index(row) for row in (0, 1)] == ["row 1 (line 3)", "row 2"]
