"""Columns: which kind fits, what counts as missing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tables.cells import (
    MANY,
    MOST_CATEGORIES,
    first_not_a_number,
    first_not_of,
    kind_of,
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
        ([f"v{i}" for i in range(MOST_CATEGORIES + 1)], "text"),
        ([f"v{i % MOST_CATEGORIES}" for i in range(3 * MOST_CATEGORIES)], "category"),
    ],
)
def test_a_column_is_of_the_narrowest_kind_that_fits(cells, kind):
    assert kind_of(cells) == kind


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
    cells = [str(i) for i in range(100)] + ["many", None, "few"]
    assert first_not_a_number(cells) == 100


def test_words_among_few_or_repeated_numbers_are_a_category():
    assert first_not_a_number([str(i % (MANY - 1)) for i in range(100)] + ["5+"]) is None
    assert first_not_a_number([str(i) for i in range(60)] + ["a"] * 40) is None


def test_the_first_cell_that_a_settled_kind_cannot_read_is_found():
    assert first_not_of(["1", None, "x"], "integer") == 2
    assert first_not_of(["yes", "1"], "boolean") == 1
    assert first_not_of(["1", "x"], "category") is None
