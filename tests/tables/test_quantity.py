"""A target that is a quantity: told from classes, read however the table writes numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from errors import DatasetError
from tables.quantity import FEWEST_ROWS, MOST_NUMERIC_CLASSES, looks_like_quantity, read_quantity
from tables.table import Table


def table_of(cells: Sequence[str]) -> Table:
    """Return a table of one column beside the target."""
    return Table({"x": [str(i) for i in range(len(cells))], "y": list(cells)})


HALVES = [f"{i}.5" for i in range(60)]


@pytest.mark.parametrize(
    ("cells", "quantity"),
    [
        (HALVES, True),
        ([str(i * 1000 + 7) for i in range(60)], True),
        ([str(i % 5) for i in range(60)], False),  # few numbers
        ([str(i % 77) for i in range(1000)], False),  # numbers of classes
        ([str(i % 77 + 2) for i in range(1000)], True),  # they begin at neither 0 nor 1
        ([str(i) for i in range(60)], True),  # one row each: no classes
        ([f"c{i % 30}" for i in range(600)], False),
    ],
)
def test_many_numbers_are_a_quantity(cells: list[str], quantity: bool) -> None:
    """Few numbers, and numbers from 0 or 1 on with some rows each, are classes."""
    assert looks_like_quantity(table_of(cells), "y") is quantity


def test_most_numeric_classes() -> None:
    """Twenty different numbers are classes, twenty-one are not."""
    assert MOST_NUMERIC_CLASSES == 20
    for count, quantity in ((20, False), (21, True)):
        cells = [f"{i % count}.5" for i in range(600)]
        assert looks_like_quantity(table_of(cells), "y") is quantity


@pytest.mark.parametrize(("kind", "quantity"), [("number", True), ("category", False)])
def test_kind_decides(kind: str, quantity: bool) -> None:
    """What the owner says of the column counts."""
    assert looks_like_quantity(table_of(HALVES), "y", kind) is quantity  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "expected"),
    [("{:.2f}", 1.5), ("${:,.2f}", 1.5), ("{:.2f}%", 1.5), ("{:.2f}|,", 1.5)],
)
def test_numbers_as_tables_write_them(written: str, expected: float) -> None:
    """Money, percent and decimal commas are numbers."""
    form, _, comma = written.partition("|")
    cells = [form.format(i * 1.5) for i in range(40)]
    cells = [cell.replace(".", comma) for cell in cells] if comma else cells

    read = read_quantity(table_of(cells), "y")

    assert read.target.task == "regression"
    assert read.target.classes == ()
    assert read.values[1] == pytest.approx(expected)
    assert read.rows is None


@pytest.mark.parametrize("cell", ["1e300", "inf", "many"])
def test_cell_that_is_no_number_is_named(cell: str) -> None:
    """The line says the row; the cell is not in it."""
    with pytest.raises(DatasetError, match="column y, row 3") as refused:
        read_quantity(table_of([*HALVES[:2], cell, *HALVES[2:]]), "y")
    assert cell not in str(refused.value)


def test_constant_is_refused() -> None:
    """A quantity varies."""
    with pytest.raises(DatasetError, match="one number only"):
        read_quantity(table_of(["5.5"] * 40), "y")


def test_few_rows_are_refused() -> None:
    """Ten rows are the fewest."""
    assert FEWEST_ROWS == 10
    assert len(read_quantity(table_of(HALVES[:10]), "y").values) == 10
    with pytest.raises(DatasetError, match="in 9 rows; 10 are needed"):
        read_quantity(table_of(HALVES[:9]), "y")


def test_merge_rare_is_for_classes() -> None:
    """A quantity has no classes to merge."""
    with pytest.raises(DatasetError, match="merge_rare is for classes"):
        read_quantity(table_of(HALVES), "y", None, "other")


def test_values_are_floats_in_the_rows_order() -> None:
    """Every row keeps its own."""
    found = read_quantity(table_of(HALVES[::-1]), "y").values
    assert found.dtype == np.float64
    assert found.tolist() == [i + 0.5 for i in reversed(range(60))]
