"""A column by its different texts."""

from __future__ import annotations

import numpy as np
import pytest

from tables.distinct import distinct
from tables.texts import texts_of

CELLS = ["b", " a", "b ", None, "", "  ", "a"]


@pytest.mark.parametrize("make", [list, texts_of])
def test_texts_are_told_once_in_their_order_without_spaces(make):
    found = distinct(make(CELLS))
    assert found.words == ["b", "a"]
    assert found.counts == [2, 2]
    assert found.codes.tolist() == [0, 1, 0, -1, -1, -1, 1]
    assert found.by_word == {"b": 2, "a": 2}


def test_the_first_row_of_some_texts_is_found():
    found = distinct(["a", "b", "c", "b"])
    assert found.first({"b"}) == 1
    assert found.first({"c", "b"}) == 1


def test_texts_that_mean_missing_are_left_out():
    found = distinct(["NA", "x", "y", "x"])
    assert found.without({"z"}) is found
    left = found.without({"NA"})
    assert (left.words, left.counts, left.codes.tolist()) == (["x", "y"], [2, 1], [-1, 0, 1, 0])


def test_each_row_gets_the_value_of_its_text():
    found = distinct(["x", None, "y", "x"])
    spread = found.spread(np.array([1.0, 2.0]), np.nan)
    np.testing.assert_array_equal(spread, [1.0, np.nan, 2.0, 1.0])
