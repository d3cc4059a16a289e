"""The bins of values, and what holds in them."""

from __future__ import annotations

import numpy as np
import pytest

from learning.explaining.bins import Bins, Conditions
from learning.explaining.leaves import paths_of
from tests.learning.explaining.forests import FOREST, OWNERS
from tests.learning.explaining.test_paths import PATHS


@pytest.mark.parametrize(
    ("value", "expected"), [(-9.0, 0), (1.5, 0), (1.6, 1), (np.inf, 1), (np.nan, 2)]
)
def test_a_value_falls_in_the_bin_that_ends_at_or_above_it(value, expected):
    bins = Bins(PATHS)
    row = np.array([[value, 0.0]], np.float32)
    assert bins.of_row(row[0].tolist())[0] == expected
    assert bins.of_rows(row)[0, 0] == expected


def test_a_code_has_a_bin_of_its_own():
    bins = Bins(PATHS)
    found = [bins.of_row([0.0, code])[1] for code in (-1.0, 2.0, 3.0, 4.0, float("nan"))]
    assert found[0] == found[1] < found[2] < found[3] < found[4]
    rows = np.array([[0.0, c] for c in (-1, 2, 3, 4, np.nan)], np.float32)
    assert bins.of_rows(rows)[1].tolist() == found


def test_a_condition_holds_where_all_its_tests_do():
    paths = paths_of(FOREST, OWNERS)
    held = Conditions(paths).of_row([0.0, 0.0, 3.0, np.nan])
    by_leaf = np.split(held, paths.starts[1:-1])
    assert [leaf.tolist() for leaf in by_leaf] == [
        [True],
        [False],
        [False],
        [False, True, True],
        [False, True, False],
        [False, False],
        [],
    ]
