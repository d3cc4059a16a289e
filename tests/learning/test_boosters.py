"""LightGBM and XGBoost as estimators: when they stop, what is missing, whatever is unknown."""

from __future__ import annotations

import numpy as np
import pytest

from learning.boosters import (
    PATIENCE,
    ROUNDS_WITHOUT_STOPPING,
    Booster,
    LightGBMClassifier,
    LightGBMRegressor,
    XGBoostClassifier,
    XGBoostRegressor,
)
from learning.forms import lightgbm, xgboost
from learning.progress import SilentProgress

CLASSES = [LightGBMClassifier, XGBoostClassifier]
QUANTITIES = [LightGBMRegressor, XGBoostRegressor]


def rows(count: int, seed: int = 0):
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(count, 3)).astype(np.float32)
    matrix[:, 2] = random.integers(-1, 4, count)
    matrix[random.random((count, 3)) < 0.1] = np.nan
    return matrix, random.normal(size=count) + np.nan_to_num(matrix[:, 0])


def trees(model: Booster) -> int:
    if "LightGBM" in type(model).__name__:
        return len(lightgbm.read(model.text_).trees)
    return len(xgboost.trees_of(xgboost.read(model.text_.encode())))


@pytest.mark.parametrize("kind", [*CLASSES, *QUANTITIES])
@pytest.mark.parametrize(("count", "stops"), [(600, True), (30, False)])
def test_it_stops_where_there_are_rows_to_tell_by(kind, count, stops):
    matrix, values = rows(count)
    target = (values > 0).astype(int) if kind in CLASSES else values
    model = kind(categories=[2], learning_rate=0.3 if stops else 0.01).fit(matrix, target)
    assert trees(model) < PATIENCE if stops else trees(model) == ROUNDS_WITHOUT_STOPPING


@pytest.mark.parametrize("kind", QUANTITIES)
def test_a_fold_says_which_rows_are_held_out(kind):
    matrix, values = rows(400)
    matrix[:] = np.nan_to_num(matrix)
    matrix[:, 2] = 0
    values = matrix[:, 0] * 1.0
    values[200:] *= -1  # what is learnt inside makes every answer outside worse
    fold = np.arange(200), np.arange(200, 400)
    model = kind(categories=[2]).learn(matrix, values, fold, SilentProgress())
    assert trees(model) <= 2


@pytest.mark.parametrize("kind", CLASSES)
def test_codes_never_seen_and_missing_ones_are_answered(kind):
    matrix, values = rows(300)
    model = kind(categories=[2], rounds=20).fit(matrix, (values > 0).astype(int))
    asked = np.array([[0, 0, -1], [0, 0, 99], [np.nan, np.nan, np.nan]], np.float32)
    found = model.predict_proba(asked)
    assert found.shape == (3, 2)
    assert found.sum(axis=1) == pytest.approx([1.0] * 3)
