"""What features contribute to a forest's score: both ways, against LightGBM's and XGBoost's own."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import lightgbm
import numpy as np
import pytest

from learning.explaining import trees as module
from learning.explaining.leaves import paths_of
from learning.explaining.trees import LeafTrees, TableTrees, trees_of
from learning.forms import lightgbm as lightgbm_form
from learning.forms.sources import Columned, Number
from learning.forms.trees import AtMost, Forest, Is, Leaf, Split

WAYS = [TableTrees, LeafTrees]
OWNERS = [0, 0, 1, 2]
TREE = Split(
    AtMost(0, 1.5, missing=True),
    Split(
        AtMost(1, 0.5, missing=False),
        Leaf((1.0,), 2.0),
        Split(AtMost(0, -1.0, missing=False), Leaf((-2.0,), 1.0), Leaf((0.5,), 3.0), 4.0),
        6.0,
    ),
    Split(
        Is(2, 3, missing=True),
        Split(Is(3, None, missing=True), Leaf((3.0,), 1.0), Leaf((3.5,), 1.0), 2.0),
        Leaf((4.0,), 3.0),
        5.0,
    ),
    11.0,
)
FOREST = Forest((TREE, Leaf((0.25,), 11.0)), 4, 1, "identity", (0.0,))


def holds(test, row) -> bool:
    value = row[test.feature]
    if np.isnan(value):
        return bool(test.missing)
    return value <= test.threshold if isinstance(test, AtMost) else value == test.code


def expected_value(node, row, known) -> float:
    """The tree's value where only the features in `known` are known: path-dependent."""
    if isinstance(node, Leaf):
        return node.values[0]
    if OWNERS[node.test.feature] in known:
        return expected_value(node.yes if holds(node.test, row) else node.no, row, known)
    no = node.no.rows / node.rows
    return (1 - no) * expected_value(node.yes, row, known) + no * expected_value(
        node.no, row, known
    )


def by_definition(row) -> list[float]:
    features, found = range(3), []
    for j in features:
        others, total = [i for i in features if i != j], 0.0
        for size in range(3):
            weight = factorial(size) * factorial(2 - size) / factorial(3)
            for chosen in combinations(others, size):
                gain = expected_value(TREE, row, {*chosen, j})
                total += weight * (gain - expected_value(TREE, row, set(chosen)))
        found.append(total)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_contributions_are_those_of_the_definition(way):
    made = way(paths_of(FOREST, OWNERS), 3)
    assert made.baseline == pytest.approx(0.25 + expected_value(TREE, [], set()))
    values = [-2.0, 0.0, 0.75, 2.0, np.nan]
    for a in values:
        for b in values:
            for code in (-1.0, 3.0, 4.0, np.nan):
                row = [a, b, code, np.nan if a == 2.0 else 1.0]
                np.testing.assert_allclose(made.row(row), by_definition(row), atol=1e-12)
                score = 0.25 + expected_value(TREE, row, {0, 1, 2})
                assert made.row(row).sum() + made.baseline == pytest.approx(score, abs=1e-12)


def test_without_the_bits_by_bin_the_tables_say_the_same(monkeypatch):
    quick = TableTrees(paths_of(FOREST, OWNERS), 3)
    monkeypatch.setattr(module, "MOST_BYTES", 1)
    slow = TableTrees(paths_of(FOREST, OWNERS), 3)
    for row in ([0.0, 0.0, 3.0, 1.0], [np.nan, 2.0, np.nan, np.nan], [2.0, 0.6, 1.0, 1.0]):
        np.testing.assert_array_equal(slow.row(row), quick.row(row))


@pytest.mark.parametrize("way", WAYS)
def test_trees_without_a_split_contribute_nothing(way):
    made = way(paths_of(Forest((Leaf((2.0,), 5.0),), 2, 1, "identity", (0.0,)), [0, 1]), 2)
    assert made.row([1.0, 2.0]).tolist() == [0.0, 0.0]
    assert made.baseline == 2.0


def test_long_paths_and_large_tables_are_gone_through_leaf_by_leaf(monkeypatch):
    paths = paths_of(FOREST, OWNERS)
    assert isinstance(trees_of(paths, 3), TableTrees)
    monkeypatch.setattr(module, "MOST_CONDITIONS", 2)
    assert isinstance(trees_of(paths, 3), LeafTrees)
    monkeypatch.undo()
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    assert isinstance(trees_of(paths, 3), LeafTrees)


def rows_with_categories(count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    matrix = random.normal(size=(count, 4)).astype(np.float32)
    matrix[:, 3] = random.integers(0, 6, count)
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    scores = np.nan_to_num(matrix[:, 0]) * 2 + np.isin(matrix[:, 3], (1, 4)) + matrix[:, 1] ** 2
    return matrix, np.nan_to_num(scores) + random.normal(size=count)


@pytest.mark.parametrize("onehot", [100, 1])
def test_lightgbm_itself_says_the_same(onehot):
    matrix, values = rows_with_categories()
    data = lightgbm.Dataset(matrix, values, categorical_feature=[3])
    settings = {"num_leaves": 15, "max_depth": 5, "max_cat_to_onehot": onehot, "verbose": -1}
    settings |= {"min_data_per_group": 5, "cat_smooth": 1.0, "num_threads": 1}
    booster = lightgbm.train({"objective": "regression", **settings}, data, 30)
    given = Columned(None, [Number(i) for i in range(4)], 4, frozenset(range(4)))
    text = lightgbm_form.read(booster.model_to_string())
    paths = paths_of(lightgbm_form.forest(text, given), range(4))
    asked = matrix[:100].copy()
    asked[:5, 3] = 17.0  # a code never seen
    expected = np.asarray(booster.predict(asked, pred_contrib=True))
    for made in (TableTrees(paths, 4), LeafTrees(paths, 4)):
        found = np.array([made.row(row.tolist()) for row in asked])
        np.testing.assert_allclose(found, expected[:, :4], atol=1e-6)
        assert made.baseline == pytest.approx(expected[0, 4], abs=1e-6)
