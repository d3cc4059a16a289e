"""Leaves in groups: few conditions between them, and tables of what they contribute."""

from __future__ import annotations

import numpy as np

from learning.explaining import table_trees
from learning.explaining.leaves import paths_of
from learning.explaining.table_trees import TableTrees, grouped
from learning.forms.trees import AtMost, Forest, Leaf, Split
from tests.learning.explaining.forests import FOREST, OWNERS, asked

PATHS = paths_of(FOREST, OWNERS)


def test_a_condition_and_its_opposite_are_one_bit():
    tree = Split(AtMost(0, 1.0), Leaf((1.0,), 1.0), Leaf((2.0,), 1.0), 2.0)
    found = grouped(paths_of(Forest((tree,), 1, 1, "identity", (0.0,)), [0]))
    assert found.sizes.tolist() == [1]
    assert found.of.tolist() == [0, 0]
    assert found.bit.tolist() == [0, 0]
    assert found.same.tolist() == [True, False]


def test_tests_that_differ_for_a_missing_value_are_two_bits():
    trees = [
        Split(AtMost(0, 1.0, missing=missing), Leaf((1.0,), 1.0), Leaf((2.0,), 1.0), 2.0)
        for missing in (True, False)
    ]
    found = grouped(paths_of(Forest(tuple(trees), 1, 1, "identity", (0.0,)), [0]))
    assert found.sizes.tolist() == [2]


def test_no_group_has_more_conditions_than_may_be_but_for_those_of_one_leaf(monkeypatch):
    found = grouped(PATHS.taken(np.diff(PATHS.starts) > 0))
    assert found.sizes.tolist() == [6]
    monkeypatch.setattr(table_trees, "MOST_SHARED", 2)
    found = grouped(PATHS.taken(np.diff(PATHS.starts) > 0))
    assert max(found.sizes.tolist()) == 3
    assert len(found.sizes) > 1


def test_however_they_are_grouped_the_contributions_are_the_same(monkeypatch):
    expected = TableTrees(PATHS, 3).rows(asked())
    for shared in (1, 2, 3, 8):
        monkeypatch.setattr(table_trees, "MOST_SHARED", shared)
        np.testing.assert_allclose(TableTrees(PATHS, 3).rows(asked()), expected, atol=1e-14)


def test_many_rows_are_explained_as_each_alone():
    made, rows = TableTrees(PATHS, 3), asked()
    every = made.rows(rows)
    for index in range(len(rows)):
        assert np.array_equal(made.rows(rows[index : index + 1])[0], every[index])


def test_without_the_bits_by_bin_the_tables_say_the_same(monkeypatch):
    quick = TableTrees(PATHS, 3).rows(asked())
    monkeypatch.setattr(table_trees, "MOST_BYTES", 1)
    np.testing.assert_array_equal(TableTrees(PATHS, 3).rows(asked()), quick)
