"""What the learners of classes and of quantities have in common."""

from __future__ import annotations

import numpy as np
import pytest

from learning.additive.estimator import ENDED, MANY_ROWS, stratified
from learning.additive.targets import AdditiveRegressor
from learning.preparation import prepare
from learning.progress import SilentProgress
from tables.schema import Feature, Schema, Target

SCHEMA = Schema((Feature("x", "number"), Feature("z", "number")), Target("y", (), "regression"))


def learner(**more):
    return AdditiveRegressor(columns=2, linear=prepare(SCHEMA, scaled=True), **more)


def test_folds_have_every_class_in_proportion():
    values = np.array([0] * 90 + [1] * 10)
    for inside, outside in stratified(values, 5, 0):
        assert np.bincount(values[outside]).tolist() == [18, 2]
        assert len(inside) == 80


def test_of_many_rows_one_fold_is_answered():
    random = np.random.default_rng(0)
    rows = random.normal(size=(MANY_ROWS, 2)).astype(np.float32)
    made = learner(seconds=10).fit(rows, rows[:, 0].astype(float))
    assert len(made.out_of_fold_.indices) == MANY_ROWS // 5


@pytest.mark.parametrize(("skewed", "link"), [(True, "exponential"), (False, "identity")])
def test_a_skewed_positive_quantity_is_learnt_by_its_logarithm(skewed, link):
    random = np.random.default_rng(1)
    rows = random.normal(size=(600, 2)).astype(np.float32)
    score = rows[:, 0] + 0.3 * random.normal(size=600)
    values = np.exp(1.5 * score) if skewed else 100 + 10 * score
    made = learner().fit(rows, values)
    assert made.link_ == link
    assert made.losses_["pool"] < 0.6 * made.losses_["base rate"]
    assert np.corrcoef(made.predict(rows), values)[0, 1] > 0.8


def test_what_is_left_out_is_not_read_by_trees():
    random = np.random.default_rng(2)
    rows = random.normal(size=(400, 2)).astype(np.float32)
    made = learner(left_out=[1]).fit(rows, rows[:, 0].astype(float))
    trees = {name: made.parts_[name] for name in made.parts_ if name != "linear"}
    assert all(" 1 " not in text.partition("split_feature=")[2][:200] for text in trees.values())


class Notes(SilentProgress):
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def note(self, text: str) -> None:
        self.found.append(text)


@pytest.mark.parametrize(("seconds", "said"), [(0.01, True), (600, False)])
def test_a_budget_that_ended_a_forest_is_said(seconds, said):
    random = np.random.default_rng(3)
    rows = random.normal(size=(300, 2)).astype(np.float32)
    notes = Notes()
    learner(seconds=seconds).learn(rows, rows[:, 0].astype(float), notes)
    assert (ENDED in notes.found) is said
