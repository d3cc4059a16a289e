"""Columns: which kind fits, what counts as missing."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.cells import (
    fits,
    kind_of,
    mostly_numbers,
    read_cell,
    read_numbers,
    read_values,
    stripped,
    to_cell,
    to_float32,
)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["true", "False", "TRUE"], "boolean"),
        (["Yes", "no", None], "boolean"),
        (["yes", "maybe"], "category"),
        (["1", "-2", "+3"], "integer"),
        (["0", "1"], "integer"),
        (["1", "2.5", "-.5e-3", "3."], "number"),
        (["1", "inf"], "number"),
        (["01", "12"], "category"),
        (["1_000", "2"], "category"),
        (["٣", "٤"], "category"),
        (["1" * 19, "2"], "number"),
        (["2024-01-31", "2024-02-01T10:00:00Z"], None),
        (["31/12/2024", "1/1/24"], None),
        (["28-Feb-97"], None),
        (["10:30", "23:59:59"], None),
        (["2024-01-31", "soon"], "category"),
        (["a", *["b c d e"] * 5], "category"),
        (["one two three", "four five six", "seven eight nine ten"], "text"),
        ([f"v{i}" for i in range(1001)], "category"),
        ([f"C{i:05}" for i in range(100)], "category"),
        ([f"{n} {i}" for i, n in enumerate(["ana", "marco", "ivo", "lucia"] * 10)], "text"),
        ([f"这个产品很好{i}号" for i in range(20)], "text"),
        (["上海", "北京"] * 10, "category"),
        ([f"v{i % 1000}" for i in range(3000)], "category"),
    ],
)
def test_a_column_is_of_the_narrowest_kind_that_fits(cells, kind):
    assert kind_of(Counter(cell for cell in cells if cell is not None)) == kind


@pytest.mark.parametrize("value", ["", "  ", "NA", " N/A ", "nan", "NULL", "?", None, math.nan])
def test_missing_values_are_none(value):
    assert to_cell(value) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("None", "None"),
        (" a b ", " a b "),
        (True, "true"),
        (3, "3"),
        (0.1, "0.1"),
        (np.float32(0.5), "0.5"),
        (np.int64(7), "7"),
        (np.bool_(False), "false"),
    ],
)
def test_values_are_spelt_as_a_file_has_them(value, text):
    assert to_cell(value) == text


def test_cells_are_stripped_and_missing_ones_kept():
    assert stripped([" a ", None, "b"]) == ["a", None, "b"]


def test_values_are_read_by_kind():
    assert read_values(["yes", None, "FALSE"], "boolean") == [True, None, False]
    assert read_values(["1", None], "integer") == [1, None]
    assert read_values(["1.5"], "number") == [1.5]


def test_float32_has_nan_for_missing_and_infinity_for_too_large():
    found = to_float32([0.1, None, 1e39, True])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array([0.1, np.nan, np.inf, 1], dtype=np.float32))


def test_a_few_words_among_numbers_are_found():
    assert mostly_numbers(Counter([str(i) for i in range(100)] + ["many", "few"]))
    assert not mostly_numbers(Counter(str(i) for i in range(100)))


def test_words_among_few_or_repeated_numbers_are_a_category():
    assert not mostly_numbers(Counter([str(i % 19) for i in range(100)] + ["5+"]))
    assert mostly_numbers(Counter([str(i % 20) for i in range(100)] + ["5+"]))
    # 95 of 100 were meant to be numbers, 94 are a category.
    assert mostly_numbers(Counter([str(i) for i in range(95)] + ["a"] * 5))
    assert not mostly_numbers(Counter([str(i) for i in range(94)] + ["a"] * 6))
    assert not mostly_numbers(Counter([str(i) for i in range(60)] + ["a"] * 40))


@pytest.mark.parametrize(
    ("text", "kind", "good"),
    [
        ("x", "integer", False),
        ("1", "boolean", False),
        ("yEs", "boolean", True),
        ("x", "text", True),
    ],
)
def test_a_text_fits_a_kind_or_not(text, kind, good):
    assert fits(text, kind) is good
    if not good:
        with pytest.raises(ValueError, match=kind):
            read_values([text], kind)


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [
        (" 1.5 ", "number", 1.5),
        ("30.0", "integer", 30.0),
        ("1_0", "number", "1_0"),
        ("٣", "number", "٣"),
        ("NAN", "number", "NAN"),
        ("yEs", "boolean", True),
        ("maybe", "boolean", "maybe"),
        (" rent ", "category", "rent"),
        (" a b ", "text", " a b "),
        (" NA ", "text", None),
        ("", "number", None),
    ],
)
def test_a_row_s_cell_is_read_or_kept_for_a_check_to_name(cell, kind, value):
    assert read_cell(cell, kind) == value


@given(st.lists(st.text("0123456789.eE+-_ nNaAfiI٣", max_size=6), max_size=4))
def test_numbers_are_read_together_as_they_are_one_by_one(cells):
    together = read_numbers(cells)
    if together is not None:
        alone = [read_cell(cell, "number") for cell in cells]
        np.testing.assert_array_equal(together, [math.nan if v is None else v for v in alone])
