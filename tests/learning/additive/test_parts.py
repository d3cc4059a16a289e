"""The parts of the default learner, each alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

from learning.additive.budget import Budget
from learning.additive.losses import LINKS
from learning.additive.parts import (
    FOREST_A,
    LONGER,
    MOST_TREES,
    ForestPart,
    LinearPart,
    Rows,
    answered_rows,
    gains,
)

RANDOM = np.random.default_rng(0)
MATRIX = RANDOM.normal(size=(500, 3)).astype(np.float32)
ROWS = Rows(MATRIX, MATRIX)
VALUES = MATRIX[:, 0].astype(float) * 2 + RANDOM.normal(size=500) * 0.1
FOLDS = [
    (np.flatnonzero(np.arange(500) % 5 != fold), np.flatnonzero(np.arange(500) % 5 == fold))
    for fold in range(5)
]


def nothing() -> None:
    """Tell nobody."""


def forest(objective="regression", **more):
    return ForestPart("a", FOREST_A, {"objective": objective, "seed": 0, **more}, [])


def pipeline(strength):
    return Pipeline([("prepare", "passthrough"), ("last", Ridge(alpha=1.0 / strength))])


def line(strengths=(1.0, 0.001)):
    return LinearPart(pipeline, strengths, LINKS["identity"], 1)


def test_a_forest_answers_out_of_fold_and_goes_on_a_little_longer_with_all_rows():
    part = forest()
    answered = part.out_of_fold(ROWS, VALUES, FOLDS, Budget(60), nothing)
    assert np.corrcoef(answered.scores[:, 0], VALUES)[0, 1] > 0.95
    assert answered.setting / LONGER == pytest.approx(round(answered.setting / LONGER))
    model = part.learn(ROWS, VALUES, answered.setting, Budget(60))
    assert model.count("Tree=") - 1 <= int(np.ceil(answered.setting))
    assert gains(model).argmax() == 0


def test_the_trees_of_many_classes_are_bounded():
    labels = np.digitize(VALUES, np.quantile(VALUES, np.arange(1, 10) / 10))
    part = forest("multiclass", num_class=10)
    answered = part.out_of_fold(ROWS, labels, FOLDS[:1], Budget(60), nothing)
    assert answered.setting <= LONGER * MOST_TREES / 10


def test_a_linear_term_has_the_strength_that_is_best_and_stays_near_its_rows():
    part = line()
    answered = part.out_of_fold(ROWS, VALUES, FOLDS, Budget(60), nothing)
    assert answered.setting == 1.0
    model = part.learn(ROWS, VALUES, 1.0, Budget(60))
    far = Rows(MATRIX[:1] + 1e9, MATRIX[:1] + 1e9)
    width = model["high"] - model["low"]
    assert part.scores(model, far)[0] == pytest.approx(model["high"])
    assert width == pytest.approx(1.2 * np.ptp(model["pipeline"].predict(MATRIX)))


def test_no_more_is_tried_than_there_is_time_for():
    now = [0.0]
    budget = Budget(1, 1, lambda: now[0])
    tried = []

    def slow(strength):
        tried.append(strength)
        now[0] = 2.0
        return pipeline(strength)

    part = LinearPart(slow, (1.0, 0.1, 0.01), LINKS["identity"], 1)
    assert part.out_of_fold(ROWS, VALUES, FOLDS[:2], budget, nothing).setting == 1.0
    assert set(tried) == {1.0}


def test_answered_rows_are_those_outside_of_some_fold():
    assert answered_rows(FOLDS[:2]).tolist() == [i for i in range(500) if i % 5 < 2]
