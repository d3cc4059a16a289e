"""Splits by membership: a column a set, looked up by code."""

from __future__ import annotations

import pytest

from errors import ModelFileError
from learning.imports.memberships import Memberships


def test_a_set_has_one_column_behind_the_features() -> None:
    found = Memberships(3, {1: 3})
    assert [found.index(1, 0b101), found.index(1, 0b010), found.index(1, 0b101)] == [3, 4, 3]
    assert found.width == 5


def test_a_table_says_of_each_code_whether_it_is_in_the_set() -> None:
    found = Memberships(2, {0: 3})
    found.index(0, 0b101)
    found.index(0, 0b010)
    # From code -1, never seen, on: in no set.
    assert found.tables()[0].tolist() == [[0, 0], [1, 0], [0, 1], [1, 0]]


def test_columns_stand_table_by_table_after_the_features() -> None:
    found = Memberships(2, {0: 2, 1: 2})
    first, second, third = found.index(0, 1), found.index(1, 1), found.index(0, 2)
    assert [first, second, third] == [2, 3, 4]
    assert found.indices() == [0, 1, 2, 4, 3]


def test_53_levels_are_the_most_that_a_mask_holds() -> None:
    found = Memberships(1, {0: 53})
    found.index(0, 2**52)
    assert found.tables()[0][:, 0].tolist() == [0.0] * 53 + [1.0]
    with pytest.raises(ModelFileError, match="more than 53 levels"):
        Memberships(1, {0: 54})
