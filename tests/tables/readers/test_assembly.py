"""Rows below a header to a table: what is left out, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from errors import DatasetError
from tables.readers.assembly import Ragged, Rows, table_of, without_blank_rows, without_ragged
from tables.readers.layout import Layout
from tables.texts import texts_of

LAYOUT = Layout(0, {0: "a", 1: "b"}, 2)


def rows(*columns: Sequence[Any], ragged: Sequence[Ragged] = ()) -> Rows:
    return Rows(columns, list(range(2, 2 + len(columns[0]))), list(ragged))


def test_columns_get_their_names_and_lines() -> None:
    table = table_of(rows(["1", "2"], ["x", "y"]), LAYOUT, 1, ("a note",))
    assert table.columns == {"a": ["1", "2"], "b": ["x", "y"]}
    assert (list(table.lines), table.notes) == ([2, 3], ("a note",))


def test_a_ragged_row_is_refused_or_left_out() -> None:
    given = rows(["1"], ["x"], ragged=[Ragged(3, 5, 1), Ragged(4, 6, 3)])
    with pytest.raises(DatasetError, match=r"row 4 \(line 5\) has 1 cells, the header 2"):
        table_of(given, LAYOUT, 1)
    kept, notes = without_ragged(given)
    assert kept.ragged == []
    assert notes == ["2 lines are left out for too many or too few cells, first line 5"]
    assert without_ragged(kept) == (kept, [])


@pytest.mark.parametrize("make", [list, texts_of])
def test_a_last_row_that_sums_up_the_others_is_left_out(make: Any) -> None:
    given = rows(make(["north", "south", "Total:"]), make(["1", "2", "3"]), make(["x", "y", ""]))
    table = table_of(given, Layout(0, {0: "a", 1: "b", 2: "c"}, 3), 1)
    assert list(table.columns["b"]) == ["1", "2"]
    assert table.notes == ("the last row (line 4) is a total, left out",)


@pytest.mark.parametrize(
    ("columns", "names", "why"),
    [
        ((["1"], ["2"]), {0: "1", 1: "2"}, "line 1 looks like a row of data"),
        ((["x"], ["y"]), {0: "x", 1: "y"}, "line 1 looks like a row of data"),
        (([], []), {0: "a", 1: "b"}, "no rows under its header, line 1"),
        ((["1"], [""]), {0: "a"}, "one column with a name"),
    ],
)
def test_what_is_no_table_is_refused(columns: Any, names: dict[int, str], why: str) -> None:
    with pytest.raises(DatasetError, match=why):
        table_of(rows(*columns), Layout(0, names, 2), 1)


def test_rows_of_spaces_alone_are_left_out() -> None:
    table, kept = without_blank_rows(pa.table({"a": ["1", " ", None], "b": ["", "", "x"]}))
    assert (table.num_rows, kept.tolist()) == (2, [0, 2])
