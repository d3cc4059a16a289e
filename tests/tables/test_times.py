"""Times: what a column says of when rows were, and whether a table runs with it."""

from __future__ import annotations

import numpy as np
import pytest

from errors import DatasetError
from tables.schema_inference import Inferred, infer_schema
from tables.table import Table
from tables.times import running, spelt_time, times_of

DAYS = [f"2024-{1 + n // 28:02d}-{1 + n % 28:02d}" for n in range(100)]


def read(cells: list[str | None]) -> Inferred:
    other = [str(n % 7) for n in range(len(cells))]
    label = ["a" if n % 2 else "b" for n in range(len(cells))]
    return infer_schema(Table({"when": cells, "x": other, "y": label}), "y")


def times(cells: list[str | None]) -> np.ndarray:
    found = read(cells)
    return times_of(found.schema, found.batch, "when")[0].values


@pytest.mark.parametrize(
    "cells",
    [
        DAYS,
        [f"2024-05-03 {n // 5:02d}:{n % 5 * 7:02d}" for n in range(100)],
        [f"{1990 + n // 12}-{1 + n % 12:02d}" for n in range(100)],
        [str(1000 + 3 * n) for n in range(100)],
        [f"{day} 09:00:00" for day in DAYS],
    ],
    ids=["days", "clock of one day", "months", "integers", "days at nine"],
)
def test_later_rows_have_larger_times(cells: list[str | None]) -> None:
    found = times(cells)
    steps = np.diff(found)
    assert (steps >= 0).all()
    assert (steps > 0).any()


def test_a_row_without_a_time_is_before_all_others_and_said() -> None:
    found = read([None, *DAYS[1:]])
    known, said = times_of(found.schema, found.batch, "when")
    assert known.known[0] == -np.inf
    assert said == ("when has no value in 1 rows; they are learnt from",)


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        ([["red", "blue", "green"][n % 3] for n in range(60)], "when is read as category"),
        (["2024-05-03"] * 60, "when is left out"),
        (["2024-05-03"] * 59 + [None], "when is left out"),
    ],
)
def test_a_column_without_times_is_refused(cells: list[str | None], line: str) -> None:
    with pytest.raises(DatasetError, match=line):
        times(cells)


def test_a_table_in_the_order_of_a_date_runs_with_it() -> None:
    for cells in (DAYS, DAYS[::-1], [*DAYS[:50], DAYS[51], DAYS[50], *DAYS[52:]]):
        found = read(list(cells))
        assert running(found.schema, found.batch) == "when"
    mixed = [DAYS[n * 37 % 100] for n in range(100)]
    by_customer = [DAYS[n % 10 * 10] for n in range(100)]
    few = [DAYS[n // 10] for n in range(100)]
    for cells in (mixed, by_customer, few, [str(n) for n in range(100)]):
        found = read(list(cells))
        assert running(found.schema, found.batch) is None


def test_a_time_is_spelt_as_the_table_has_it() -> None:
    found = read(list(DAYS))
    assert spelt_time(found.schema, found.batch, 30, "when") == DAYS[30]
    found = read([str(n * 2) for n in range(100)])
    assert spelt_time(found.schema, found.batch, 30, "when") == 60.0
