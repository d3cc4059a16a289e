"""From trees to their leaves: which bins a test holds for, and how many rows came by."""

from __future__ import annotations

import numpy as np
import pytest

from learning.explaining import leaves
from learning.explaining.leaves import paths_of
from learning.forms.sources import CannotFold
from learning.forms.trees import AtMost, Forest, Is, Leaf, Split


def forest(*trees, columns=3, outputs=1, link="identity") -> Forest:
    return Forest(trees, columns, outputs, link, (0.0,) * outputs)


TREE = Split(
    AtMost(0, 1.5, missing=True),
    Split(AtMost(0, 0.5, missing=False), Leaf((1.0,), 2.0), Leaf((2.0,), 4.0), 6.0),
    Split(Is(2, 3), Leaf((3.0,), 1.0), Leaf((4.0,), 3.0), 4.0),
    10.0,
)


def test_a_leaf_has_one_condition_a_feature_and_the_share_that_came_by():
    paths = paths_of(forest(TREE), [0, 0, 1])
    np.testing.assert_allclose(paths.values, [1.0, 2.0, 3.0, 4.0])
    assert np.diff(paths.starts).tolist() == [1, 1, 2, 2]
    assert paths.owners.tolist() == [0, 0, 0, 1, 0, 1]
    np.testing.assert_allclose(paths.rates, [0.2, 0.4, 0.4, 0.25, 0.4, 0.75])
    assert paths.edges == ((0.5, 1.5), (), (np.nextafter(3.0, 0.0), 3.0))
    assert paths.baseline() == pytest.approx(0.2 * 1 + 0.4 * 2 + 0.1 * 3 + 0.3 * 4)


def test_columns_of_one_feature_are_one_condition():
    tree = Split(AtMost(1, 0.0), TREE, Leaf((5.0,), 10.0), 20.0)
    paths = paths_of(forest(tree), [0, 0, 1])
    assert paths.owners.tolist() == [0, 0, 0, 1, 0, 1, 0]
    np.testing.assert_allclose(paths.rates[:2], [0.1, 0.2])


def test_trees_that_are_averaged_count_by_their_share():
    paths = paths_of(forest(Leaf((1.0,), 3.0), Leaf((3.0,), 3.0), link="mean"), [0, 1, 2])
    np.testing.assert_allclose(paths.values, [0.5, 1.5])


def test_a_leaf_of_many_outputs_is_a_part_of_each_that_it_has_a_value_for():
    paths = paths_of(forest(Leaf((1.0, 0.0, -2.0), 3.0), outputs=3), [0, 1, 2])
    assert paths.outputs.tolist() == [0, 2]
    assert paths.of(2).values.tolist() == [-2.0]
    assert paths.of(1).values.tolist() == []


def test_trees_that_do_not_say_how_many_rows_came_where_are_not_explained():
    tree = Split(AtMost(0, 1.0), Leaf((1.0,)), Leaf((2.0,)))
    with pytest.raises(CannotFold, match="how many rows"):
        paths_of(forest(tree), [0, 1, 2])


def test_too_many_leaves_are_not_explained(monkeypatch):
    monkeypatch.setattr(leaves, "MOST_LEAVES", 3)
    with pytest.raises(CannotFold, match="more than 3 leaves"):
        paths_of(forest(TREE), [0, 0, 1])


def test_where_no_row_came_either_answer_is_as_likely():
    below = Split(AtMost(1, 0.0), Leaf((1.0,), 0.0), Leaf((2.0,), 0.0), 0.0)
    paths = paths_of(forest(Split(AtMost(0, 1.0), Leaf((3.0,), 4.0), below, 4.0)), [0, 1, 2])
    np.testing.assert_allclose(paths.rates, [1.0, 0.0, 0.5, 0.0, 0.5])
