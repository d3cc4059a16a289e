"""Groups: which rows stay together, by a column or by being equal, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest

from errors import DatasetError
from tables.batch import Batch
from tables.groups import Groups, equal_rows, groups_of


def batch(*values: float) -> Batch:
    return Batch(np.array(values, dtype=np.float32)[:, None])


def test_a_column_names_groups_and_a_row_without_a_name_is_one_alone() -> None:
    groups, said = groups_of(["b", "a", "b", None, "", "a"], "shop")
    assert groups.codes.tolist() == [0, 1, 0, 2, 3, 1]
    assert said == (
        "4 groups of shop stay whole on one side of the hold-out",
        "shop has no value in 2 rows; each is a group of its own",
    )


def test_one_group_is_refused() -> None:
    with pytest.raises(DatasetError, match="all rows have one value of shop"):
        groups_of(["a"] * 9, "shop")


def test_a_group_is_drawn_by_the_rarest_class_in_it() -> None:
    groups = Groups(np.array([0, 0, 1, 1, 2]))
    assert groups.rarest(np.array([0, 1, 0, 0, 0])).tolist() == [1, 0, 0]
    assert groups.sizes.tolist() == [2, 2, 1]
    assert groups.first.tolist() == [0, 2, 4]
    assert groups.take(np.array([4, 2, 3])).codes.tolist() == [0, 1, 1]


def test_rows_that_all_differ_are_no_groups() -> None:
    assert equal_rows(batch(*range(20)), np.arange(20) % 2, True) == (None, ())


def test_copies_are_counted_and_kept_together_whatever_their_label() -> None:
    groups, (said,) = equal_rows(batch(*(i // 4 for i in range(80))), np.arange(80) // 4 % 2, True)
    assert groups is not None
    assert groups.amount == 20
    assert said == (
        "60 of 80 rows are copies: another row is equal in every feature; "
        "equal rows stay on one side of the hold-out"
    )


def test_one_copy_in_hundreds_of_rows_is_not_worth_a_note() -> None:
    groups, said = equal_rows(batch(0, 0, *range(1, 300)), np.arange(301) % 2, True)
    assert groups is not None
    assert said == ()


@pytest.mark.parametrize("classes", [True, False])
def test_a_table_of_a_few_rows_written_often_is_split_by_rows_and_says_so(classes: bool) -> None:
    rows = [i % 8 for i in range(80)]
    groups, (said,) = equal_rows(batch(*rows), np.array(rows) % 2, classes)
    assert groups is None
    assert "only 8 rows differ, so that copies of what is learnt are held out" in said
