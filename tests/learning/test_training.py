"""Fitting: with progress, the same model each time, and the best of several."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from errors import DatasetError
from learning.estimators import Candidates
from learning.families.boosting import boosting
from learning.families.forest import forest
from learning.families.logistic import logistic
from learning.progress import SilentProgress
from learning.runtimes.sklearn import estimator_input
from learning.training import choose, fit
from tables.batch import Batch
from tables.dataset import Dataset, read_dataset
from tables.schema import Feature, Schema, Target
from tables.table import Table
from tests.learning.tables import mixed_table, without

PLAIN = read_dataset(without(mixed_table(200), "comment"), "stays")


def candidates(schema: Schema) -> Candidates:
    makers: dict[str, Any] = {"forest": forest, "boosting": boosting, "logistic": logistic}
    return Candidates({name: make(schema, 0) for name, make in makers.items()}, 0)


class Told(SilentProgress):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int | None]] = []
        self.steps = 0
        self.notes: list[str] = []

    def stage(self, name: str, total: int | None = None) -> None:
        self.stages.append((name, total))
        self.steps = 0

    def advance(self, steps: int = 1) -> None:
        self.steps += steps

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.mark.parametrize(
    ("make", "parameters", "total"),
    [
        (forest, {"n_estimators": 47}, 47),
        (forest, {"n_estimators": 1}, 1),
        (boosting, {"max_iter": 33, "min_samples_leaf": 5}, 33),
        (logistic, {}, 1),
    ],
)
def test_fitting_in_steps_gives_the_model_of_fitting_at_once(make, parameters, total):
    told = Told()
    in_steps = fit(make(PLAIN.schema, 7, **parameters), PLAIN, told)
    at_once = make(PLAIN.schema, 7, **parameters).fit(PLAIN.batch.matrix, PLAIN.target)
    rows = PLAIN.batch.matrix
    np.testing.assert_array_equal(in_steps.predict_proba(rows), at_once.predict_proba(rows))
    assert told.stages == [("fit", total)]
    assert told.steps == total


def test_a_fitted_forest_predicts_with_one_thread_and_is_no_half_fitted_one():
    fitted = fit(forest(PLAIN.schema, 0, n_estimators=30), PLAIN, SilentProgress())
    assert fitted[-1].n_jobs == 1
    assert fitted[-1].warm_start is False
    assert fitted[-1].n_estimators == len(fitted[-1].estimators_) == 30


def test_each_step_adds_to_what_is_there():
    estimator = forest(PLAIN.schema, 0, n_estimators=40)
    first = []

    class Looking(SilentProgress):
        def advance(self, steps: int = 1) -> None:
            first.append(estimator[-1].estimators_[0])

    fit(estimator, PLAIN, Looking())
    assert len(first) == 20
    assert all(tree is first[0] for tree in first)


def test_progress_that_raises_ends_the_fit():
    class Cancelled(Exception):
        pass

    class Cancelling(Told):
        def advance(self, steps: int = 1) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        fit(forest(PLAIN.schema, 0), PLAIN, Cancelling())


def test_the_best_in_cross_validation_is_chosen_and_all_losses_are_told():
    told = Told()
    choice = choose(candidates(PLAIN.schema), PLAIN, told)
    assert set(choice.losses) == {"forest", "boosting", "logistic"}
    best = min(choice.losses, key=choice.losses.__getitem__)
    assert choice.estimator is not None
    names = {"forest": "RandomForest", "boosting": "HistGradient", "logistic": "Logistic"}
    assert type(choice.estimator[-1]).__name__.startswith(names[best])
    assert told.stages == [("choose", 15)]
    assert told.steps == 15
    assert len(told.notes) == 3


def test_the_choice_is_the_same_each_time():
    made = Candidates({"logistic": logistic(PLAIN.schema, 0)}, 0)
    losses = [choose(made, PLAIN, SilentProgress()).losses for _ in range(2)]
    assert losses[0] == losses[1]
    other = Candidates(made.estimators, 1)
    assert choose(other, PLAIN, SilentProgress()).losses != losses[0]


def test_a_bad_candidate_is_not_chosen():
    bad = forest(PLAIN.schema, 0, n_estimators=1, max_depth=1)
    good = forest(PLAIN.schema, 0, n_estimators=50)
    made = Candidates({"bad": bad, "good": good}, 0)
    assert choose(made, PLAIN, SilentProgress()).estimator is good


def test_a_class_of_few_rows_still_has_folds():
    x = [str(i % 13) for i in range(105)]
    dataset = read_dataset(Table({"x": x, "y": ["a"] * 100 + ["b"] * 5}), "y")
    dataset = dataset.take(np.arange(dataset.rows - 1))
    told = Told()
    choose(candidates(dataset.schema), dataset, told)
    assert told.stages == [("choose", 12)]


class Counted(ClassifierMixin, BaseEstimator):
    """A candidate that notes how many rows it is fitted to and predicts."""

    seen: ClassVar[list[int]] = []

    def fit(self, rows, target):
        self.seen.append(len(rows))
        return self

    def predict_proba(self, rows):
        self.seen.append(len(rows))
        return np.full((len(rows), 2), 0.5)


@pytest.mark.parametrize(
    ("rows", "folds"), [(25_000, [16_000, 4_000] * 5), (19_000, [15_200, 3_800] * 5)]
)
def test_choosing_looks_at_20_000_rows_in_five_folds(rows, folds):
    schema = Schema((Feature("x", "number"),), Target("y", ("a", "b")))
    batch = Batch(np.zeros((rows, 1), dtype=np.float32))
    dataset = Dataset(schema, batch, np.arange(rows) % 2)
    Counted.seen.clear()
    choose(Candidates({"counted": Counted()}, 0), dataset, SilentProgress())
    assert Counted.seen == folds


def test_one_estimator_needs_no_choice():
    estimator = logistic(PLAIN.schema, 0)
    told = Told()
    assert choose(estimator, PLAIN, told) == (estimator, {})
    assert told.stages == []


def test_iterations_that_run_out_are_said_in_one_line():
    told = Told()
    fit(logistic(PLAIN.schema, 0, max_iter=1, C=1e6), PLAIN, told)
    assert told.notes == ["the iterations ended before the fit settled: raise max_iter"]


def test_what_cannot_be_fitted_is_one_line():
    texts = [f"{'!' * (i + 1)} ? ." for i in range(30)]
    dataset = read_dataset(Table({"t": texts, "y": ["a", "b"] * 15}), "y")
    with pytest.raises(DatasetError) as refused:
        fit(logistic(dataset.schema, 0), dataset, SilentProgress())
    assert "\n" not in str(refused.value)
    assert estimator_input(dataset.batch).shape == (30, 1)


PREDICT = """
import hashlib
from tables.dataset import read_dataset
from tables.split import split
from learning.families.boosting import boosting
from learning.runtimes.sklearn import estimator_input
from learning.families.forest import forest
from learning.families.logistic import logistic
from learning.progress import SilentProgress
from learning.training import fit
from tests.learning.tables import mixed_table, without
dataset = read_dataset(without(mixed_table(200), "comment"), "stays")
train, holdout = split(dataset, 3)
for make in (forest, boosting, logistic):
    fitted = fit(make(dataset.schema, 3), train, SilentProgress())
    print(hashlib.sha256(fitted.predict_proba(holdout.batch.matrix).tobytes()).hexdigest())
mixed = read_dataset(mixed_table(), "stays")
fitted = fit(logistic(mixed.schema, 3), mixed, SilentProgress())
print(hashlib.sha256(fitted.predict_proba(estimator_input(mixed.batch)).tobytes()).hexdigest())
"""


def test_two_processes_learn_the_same_model_bit_for_bit(root):
    def predictions(hash_seed: str) -> bytes:
        environ = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", PREDICT]
        return subprocess.run(
            command, cwd=root, env=environ, check=True, capture_output=True
        ).stdout

    assert predictions("1") == predictions("2")
    assert len(set(predictions("3").split())) == 4
