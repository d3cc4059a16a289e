"""Where the header stands, and what its columns are called."""

from __future__ import annotations

import pytest

from errors import DatasetError
from tables.readers.layout import find_layout, is_total, numbered, unnamed_note


def layout(*records: list[str]):
    return find_layout(range(1, len(records) + 1), records)


def test_the_first_record_names_the_columns() -> None:
    found = layout(["a", " b "], ["1", "2"])
    assert (found.header, found.names, found.width, found.notes) == (0, {0: "a", 1: "b"}, 2, ())


def test_a_title_above_is_left_out() -> None:
    found = layout(["Report", ""], ["a", "b"], ["1", "2"])
    assert found.header == 1
    assert found.notes == ("the header is in line 2: one line of a title above it left out",)


def test_years_may_be_names_where_the_rows_below_are_others() -> None:
    rows = ["north", "1", "2"], ["south", "3", "4"]
    assert layout(["Report", "", ""], ["place", "2001", "2002"], *rows).header == 1


@pytest.mark.parametrize(
    ("rows", "names", "row_names"),
    [
        ((["1", "2", ""], ["3", "4", ""]), {0: "a", 1: "b"}, False),
        ((["x", "1", "2"], ["y", "3", "4"]), {1: "a", 2: "b"}, True),
    ],
)
def test_rows_may_have_a_cell_more(rows, names, row_names) -> None:
    found = layout(["a", "b"], *rows)
    assert (found.names, found.width, found.row_names) == (names, 3, row_names)


def test_a_name_that_stands_again_gets_a_number_that_no_other_has() -> None:
    found = numbered({0: "a", 1: "a", 2: "a_2", 3: "a"})
    assert found == {0: ("a", False), 1: ("a_3", True), 2: ("a_2", False), 3: ("a_4", True)}


@pytest.mark.parametrize(
    ("name", "why"),
    [("a" * 201, "longer than 200 characters"), ("a\x07", "has a control character")],
)
def test_names_that_cannot_be_are_refused(name: str, why: str) -> None:
    assert layout(["a" * 200, "b"], ["1", "2"]).names[0] == "a" * 200
    with pytest.raises(DatasetError, match=why):
        layout([name, "b"], ["1", "2"])


def test_one_column_is_no_table() -> None:
    with pytest.raises(DatasetError, match="the table has one column"):
        layout(["a"], ["1"])


def test_a_column_without_a_name_is_empty_or_an_index_or_refused() -> None:
    assert unnamed_note(1, ["", " "], 1) is None
    assert "an index, left out" in (unnamed_note(0, ["1", "2"], 1) or "")
    for index, cells in ((0, ["1", "1"]), (1, ["1", "2"])):
        with pytest.raises(DatasetError, match=f"line 1, has no name for column {index + 1}"):
            unnamed_note(index, cells, 1)


@pytest.mark.parametrize(
    ("cells", "total"),
    [
        (["Total:", "3", ""], True),
        (["", "итого", "3"], True),
        (["total", "3"], False),  # all filled: a place may be called so
        (["north", "3", ""], False),
        (["", ""], False),
    ],
)
def test_a_total_says_so_first_and_leaves_cells_empty(cells: list[str], total: bool) -> None:
    assert is_total(cells) is total


def test_a_name_that_stands_three_hundred_thousand_times_is_numbered_at_once():
    # Each of them numbered from 1 again would be forty-five billion steps.
    found = numbered(dict.fromkeys(range(300_000), "a") | {300_000: "a_7"})
    assert len({name for name, _ in found.values()}) == 300_001
    assert (found[0], found[1], found[300_000]) == (("a", False), ("a_2", True), ("a_7", False))
    assert found[299_999] == ("a_300001", True)
