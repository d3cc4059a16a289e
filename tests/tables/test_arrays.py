"""Whole columns: PyArrow reads what the cells say one by one, or leaves it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tables import arrays
from tables.column import File, read_columns
from tables.numbers import read_number
from tables.texts import texts_of


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "-2", "", "30"], [1, -2, None, 30]),
        (["1.5", "", "2e3", "-.5"], [1.5, None, 2000, -0.5]),
        (["1,5", "2"], [1.5, 2]),
        (["1.5", "NA", " 2.25 ", "n/a"], [1.5, None, 2.25, None]),
        (["1", "-", "2"], [1, None, 2]),
    ],
)
def test_plain_numbers_are_read_at_once(cells, values):
    found = arrays.read_numbers(texts_of(cells))
    assert found is not None
    assert found.there.tolist() == [value is not None for value in values]
    assert found.values[found.there].tolist() == [v for v in values if v is not None]


@pytest.mark.parametrize(
    "cells",
    [
        ["007", "12"],
        ["-01", "12"],
        ["1" * 19, "2"],
        ["1.167", "836"],
        ["1,167", "836"],
        ["1.5", "1,5"],
        ["$5"],
        ["1-2"],
        ["x", "y"],
        ["", ""],
    ],
)
def test_what_is_not_certain_is_left(cells):
    assert arrays.read_numbers(texts_of(cells)) is None


def test_different_texts_are_counted_by_row():
    words, codes = arrays.encode(texts_of(["b", "", "a", "b"]))
    assert (words, codes.tolist()) == (["b", "a"], [0, -1, 1, 0])


cells = st.one_of(
    st.text("0123456789.,+-eE", max_size=6),
    st.integers(-(10**6), 10**6).map(str),
    st.floats(-1e6, 1e6).map(repr),
    st.sampled_from(
        ["", " ", "NA", "-", "n/a", " 5 ", "007", "1.167", "nan", "inf", "x", "yes", "no"]
    ),
)


def outcome(column):
    try:
        read, file = read_columns({"x": column}, str, {}, {}, File())
    except Exception as error:
        return str(error)
    found = read["x"]
    values = found.values.tolist() if isinstance(found.values, np.ndarray) else found.values
    shown = [None if isinstance(v, float) and math.isnan(v) else v for v in values]
    return found.feature, shown, sorted(found.notes), file


@settings(max_examples=500, deadline=None)
@given(st.lists(cells, min_size=1, max_size=12), st.integers(1, 3))
def test_a_column_is_read_at_once_as_it_is_word_by_word(column, times):
    assert outcome(texts_of(column * times)) == outcome(column * times)


@given(st.lists(st.floats(-1e9, 1e9).map(repr), min_size=1))
def test_floats_are_rounded_as_python_rounds_them(column):
    found = arrays.read_numbers(texts_of(column))
    if found is not None:
        assert found.values.tolist() == [read_number(cell) for cell in column]
