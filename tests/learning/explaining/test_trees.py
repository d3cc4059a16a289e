"""What features contribute to a forest's score: all ways, against the definition and LightGBM."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from learning.explaining import trees as module
from learning.explaining.background import Background, background_of
from learning.explaining.leaf_trees import BackgroundLeafTrees, LeafTrees
from learning.explaining.leaves import paths_of
from learning.explaining.table_trees import TableTrees
from learning.explaining.trees import trees_of
from learning.forms import lightgbm as lightgbm_form
from learning.forms.sources import Columned, Number
from learning.forms.trees import Forest, Leaf
from tests.learning.explaining.forests import (
    FOREST,
    OWNERS,
    TREE,
    answer_of,
    asked,
    beside,
    by_definition,
    expected_value,
)

WAYS = [TableTrees, LeafTrees]
PATHS = paths_of(FOREST, OWNERS)
SAMPLE = asked()[[0, 5, 23, 41, 62, 77, 98, 99]]


def against() -> Background:
    return background_of(PATHS, SAMPLE).background()


@pytest.mark.parametrize("way", WAYS)
def test_contributions_are_those_of_the_definition(way):
    made = way(PATHS, 3)
    assert made.baseline == pytest.approx(0.25 + expected_value(TREE, [], set()))
    found = made.rows(asked())
    for row, contributions in zip(asked().tolist(), found, strict=True):
        np.testing.assert_allclose(contributions, by_definition(row), atol=1e-12)
        assert contributions.sum() + made.baseline == pytest.approx(0.25 + answer_of(row))


@pytest.mark.parametrize("way", [TableTrees, BackgroundLeafTrees])
def test_against_a_sample_they_are_how_the_answer_differs_from_its_rows(way):
    made = way(PATHS, 3, against())
    sample = SAMPLE.tolist()
    assert made.baseline == pytest.approx(0.25 + np.mean([answer_of(r) for r in sample]))
    found = made.rows(asked())
    for row, contributions in zip(asked().tolist(), found, strict=True):
        np.testing.assert_allclose(contributions, by_definition(row, beside(sample)), atol=1e-12)
        assert contributions.sum() + made.baseline == pytest.approx(0.25 + answer_of(row))


@pytest.mark.parametrize("way", WAYS)
def test_trees_without_a_split_contribute_nothing(way):
    paths = paths_of(Forest((Leaf((2.0,), 5.0),), 2, 1, "identity", (0.0,)), [0, 1])
    row = np.array([[1.0, 2.0]], np.float32)
    assert way(paths, 2).rows(row).tolist() == [[0.0, 0.0]]
    assert way(paths, 2).baseline == 2.0
    sample = background_of(paths, row).background()
    for made in (TableTrees(paths, 2, sample), BackgroundLeafTrees(paths, 2, sample)):
        assert (made.rows(row).tolist(), made.baseline) == ([[0.0, 0.0]], 2.0)


def test_long_paths_and_large_tables_are_gone_through_leaf_by_leaf(monkeypatch):
    assert isinstance(trees_of(PATHS, 3), TableTrees)
    monkeypatch.setattr(module, "MOST_CONDITIONS", 2)
    assert isinstance(trees_of(PATHS, 3), LeafTrees)
    assert isinstance(trees_of(PATHS, 3, against()), BackgroundLeafTrees)
    monkeypatch.undo()
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    assert isinstance(trees_of(PATHS, 3), LeafTrees)


def test_what_it_costs_is_said():
    assert trees_of(PATHS, 3).cost.startswith("microseconds a row: ")
    assert LeafTrees(PATHS, 3).cost == "milliseconds a row: 7 leaves, one by one"
    assert BackgroundLeafTrees(PATHS, 3, against()).cost.startswith("milliseconds a row: ")


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
    rows = matrix[:100].copy()
    rows[:5, 3] = 17.0  # a code never seen
    expected = np.asarray(booster.predict(rows, pred_contrib=True))
    for made in (TableTrees(paths, 4), LeafTrees(paths, 4)):
        found = made.rows(rows)
        np.testing.assert_allclose(found, expected[:, :4], atol=1e-6)
        assert made.baseline == pytest.approx(expected[0, 4], abs=1e-6)
    # Against a sample, both ways say the same.
    sample = background_of(paths, matrix[100:150]).background()
    by_table = TableTrees(paths, 4, sample).rows(rows)
    np.testing.assert_allclose(
        BackgroundLeafTrees(paths, 4, sample).rows(rows), by_table, atol=1e-12
    )
