"""Leakage: features that alone tell the label are named, others are not."""

from __future__ import annotations

import numpy as np
import pytest

from recipes import find_recipe
from tables.dataset import read_dataset
from tables.leakage import ALMOST_ALL, LEAVES, _may_tell, leaking_features
from tables.strata import sampled
from tables.table import Table

ROWS = 300
RANDOM = np.random.default_rng(0)
LABEL = RANDOM.integers(0, 3, ROWS)


def leaks(dataset):
    names = [feature.name for feature in dataset.schema.numeric]
    return leaking_features(dataset.batch.matrix, dataset.target, names)


@pytest.mark.parametrize(
    "cells",
    [
        LABEL * 10 + 5,
        LABEL * 10 + RANDOM.random(ROWS),
        np.array(["b", "c", "a"])[LABEL],
        [None if i == 0 else i for i in LABEL.tolist()],
        np.where(np.arange(ROWS) % 150 == 0, 9, LABEL),
    ],
    ids=["integer", "number", "category", "missing", "almost"],
)
def test_a_feature_that_tells_the_label_is_named(cells):
    table = Table({"leak": list(cells), "other": RANDOM.random(ROWS).tolist(), "y": LABEL.tolist()})
    assert leaks(read_dataset(table, "y")) == ["leak"]


def test_categories_that_hardly_recur_are_no_giveaway():
    cells = [f"v{i % (ROWS - 5)}" for i in range(ROWS)]
    table = Table({"x": cells, "y": LABEL.tolist()})
    assert leaks(read_dataset(table, "y")) == []


@pytest.mark.parametrize("name", ["credit", "iris"])
def test_real_tables_have_none(name):
    recipe = find_recipe(name)
    assert leaks(read_dataset(recipe.table(), recipe.target)) == []


def test_five_thousand_rows_are_looked_at():
    # In the rows that are not, the column tells nothing; in those that are, everything.
    label = np.arange(6000) % 2
    column = np.zeros(6000)
    rows = sampled(label, 5000)
    column[rows] = label[rows]
    assert leaking_features(column[:, None].astype(np.float32), label, ["x"]) == ["x"]


def wrong_of_best_tree(column: np.ndarray, target: np.ndarray) -> float:
    """What the real tree gets wrong, each class weighing the same."""
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_leaf_nodes=LEAVES, random_state=0).fit(column, target)
    return 1 - balanced_accuracy_score(target, tree.predict(column))


def test_no_column_that_tells_is_passed_over() -> None:
    """The bound never says no where the tree would have said yes, whatever the column is like."""
    random = np.random.default_rng(0)
    passed = 0
    for case in range(120):
        target = np.sort(random.integers(0, 2 + case % 3, 200 + 10 * case))
        noise = random.choice([0.0, 0.01, 0.3, 3.0])
        column = (target + noise * random.normal(size=len(target))).astype(np.float32)
        if case % 4 == 0:
            column = column.round()
        column[random.random(len(column)) < 0.1 * (case % 2)] = np.nan
        may = _may_tell(column, target)
        passed += not may
        assert may or wrong_of_best_tree(column[:, None], target) > 1 - ALMOST_ALL
    assert passed > 30
