"""The default learner, of classes and of quantities."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss

from learning.additive.estimator import stratified
from learning.families.additive import additive
from learning.progress import SilentProgress
from learning.runtimes.sklearn import dump, estimator_input, load_estimator
from tables.dataset import read_dataset
from tests.learning.tables import mixed_table

MIXED = read_dataset(mixed_table(400), "stays")
ROWS = estimator_input(MIXED.batch)


@pytest.fixture(scope="module")
def fitted():
    return additive(MIXED.schema, 0).fit(ROWS, MIXED.target)


def test_it_beats_the_base_rate_out_of_fold_and_says_what_each_part_did(fitted):
    losses = fitted.losses_
    assert set(losses) == {"forest_a", "forest_b", "linear", "pool", "base rate"}
    assert losses["pool"] < 0.8 * losses["base rate"]
    indices, outputs = fitted.out_of_fold_
    assert indices.tolist() == list(range(400))
    assert log_loss(MIXED.target, outputs) == pytest.approx(losses["pool"], rel=1e-6)


def test_the_same_again_is_the_same_model(fitted):
    again = clone(fitted).fit(ROWS, MIXED.target)
    assert (again.predict_proba(ROWS) == fitted.predict_proba(ROWS)).all()
    other = additive(MIXED.schema, 1).fit(ROWS, MIXED.target)
    assert (other.predict_proba(ROWS) != fitted.predict_proba(ROWS)).any()


def test_it_is_kept_without_pickle_and_without_what_was_answered_out_of_fold(fitted):
    members = dump(fitted)
    assert list(members) == ["estimator.skops"]
    read = load_estimator(members)
    assert (read.predict_proba(ROWS) == fitted.predict_proba(ROWS)).all()
    assert not hasattr(read, "out_of_fold_")


def test_chance_is_answered_by_the_base_rate():
    labels = np.random.default_rng(3).integers(0, 2, len(ROWS))
    made = additive(MIXED.schema, 0).fit(ROWS, labels)
    assert made.losses_["pool"] <= made.losses_["base rate"]
    assert np.abs(made.predict_proba(ROWS)[:, 1] - labels.mean()).mean() < 0.1


def test_missing_where_training_had_none_is_the_median(fitted):
    column = next(i for i in fitted.fills_)
    missing, median = ROWS[:5].copy(), ROWS[:5].copy()
    missing[:, column] = np.nan
    median[:, column] = fitted.fills_[column]
    assert np.allclose(fitted.scores(missing), fitted.scores(median), atol=1e-6)


def test_a_fit_ends_with_its_budget():
    made = additive(MIXED.schema, 0, seconds=1)
    made.seconds = 0.0
    made.fit(ROWS, MIXED.target)
    assert made.predict_proba(ROWS).shape == (400, 2)


def test_progress_that_raises_ends_the_fit():
    class Cancelling(SilentProgress):
        def advance(self, steps: int = 1) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        additive(MIXED.schema, 0).learn(ROWS, MIXED.target, Cancelling())


def test_folds_have_every_class_in_proportion():
    values = np.array([0] * 90 + [1] * 10)
    for inside, outside in stratified(values, 5, 0):
        assert np.bincount(values[outside]).tolist() == [18, 2]
        assert len(inside) == 80
