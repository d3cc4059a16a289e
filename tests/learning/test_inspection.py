"""Inspection: importances add up by feature, are in order, and name what matters."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from learning.families.boosting import boosting
from learning.families.forest import forest
from learning.families.logistic import logistic
from learning.inspection import (
    BLOCK_CELLS,
    column_owners,
    feature_importances,
    inspect_estimator,
    permutation_importances,
)
from learning.progress import SilentProgress
from learning.training import fit
from tables.batch import Batch
from tables.dataset import Dataset, read_dataset
from tables.schema import Feature, Schema, Target
from tables.split import split
from tables.table import Table
from tests.learning.tables import dated_table, mixed_table, without

MIXED = read_dataset(mixed_table(300), "stays")
PLAIN = read_dataset(without(mixed_table(300), "comment"), "stays")


def inspect(make, dataset, **parameters):
    train, holdout = split(dataset, 0)
    few = {"max_iter": 10} if make is boosting else {"n_estimators": 30} if make is forest else {}
    made = make(dataset.schema, 0, **(few | parameters))
    fitted = fit(made, train, SilentProgress())
    return fitted, inspect_estimator(fitted, dataset.schema, holdout, 0)


def test_a_forest_tells_its_size_its_parameters_and_its_importances():
    fitted, info = inspect(forest, PLAIN, n_estimators=30, max_depth=4)
    assert info["model_name"] == "RandomForestClassifier"
    assert info["num_trees"] == 30
    assert info["max_depth"] == 4
    assert info["num_features"] == 4
    assert info["parameters"]["n_estimators"] == 30
    columns = fitted[-1].feature_importances_
    assert info["feature_importances"]["plan"] == pytest.approx(columns[:3].sum())
    assert info["feature_importances"]["age"] == pytest.approx(columns[3])


@pytest.mark.parametrize(
    ("make", "dataset"), [(forest, PLAIN), (forest, MIXED), (logistic, PLAIN), (logistic, MIXED)]
)
def test_importances_are_of_every_feature_add_up_to_one_and_descend(make, dataset):
    _, info = inspect(make, dataset)
    found = info["feature_importances"]
    assert found.keys() == {feature.name for feature in dataset.schema.features}
    assert sum(found.values()) == pytest.approx(1.0, abs=1e-12)
    assert list(found.values()) == sorted(found.values(), reverse=True)


@pytest.mark.parametrize("make", [forest, boosting, logistic])
def test_shuffling_what_matters_costs_most(make):
    _, info = inspect(make, PLAIN)
    shuffled = info["permutation_importances"]
    assert shuffled.keys() == {"age", "income", "vip", "plan"}
    assert next(iter(shuffled)) == "age"
    assert shuffled["age"]["mean"] > 0.1
    assert all(found["std"] >= 0 for found in shuffled.values())
    assert [f["mean"] for f in shuffled.values()] == sorted(
        (f["mean"] for f in shuffled.values()), reverse=True
    )


def test_what_does_not_apply_is_absent():
    _, info = inspect(logistic, PLAIN)
    assert "num_trees" not in info
    assert "max_depth" not in info
    _, info = inspect(boosting, PLAIN, max_iter=12)
    assert "feature_importances" not in info
    assert info["num_trees"] == 12
    assert info["max_depth"] >= 1


def test_boosting_of_three_classes_has_a_tree_for_each():
    table = Table(
        {"x": [i % 30 for i in range(300)], "y": ["abc"[i % 30 // 10] for i in range(300)]}
    )
    _, info = inspect(boosting, read_dataset(table, "y"), max_iter=5)
    assert info["num_trees"] == 15


def test_it_is_ready_for_json():
    for make in (forest, boosting, logistic):
        _, info = inspect(make, PLAIN)
        assert json.loads(json.dumps(info, allow_nan=False)) == info


def test_a_linear_model_s_importances_go_by_spread_not_by_unit():
    chance = np.random.default_rng(0)
    x, noise = chance.normal(size=300), chance.normal(size=300)
    label = ["a" if value > 0 else "b" for value in x]
    table = Table({"metres": (x / 1000).tolist(), "noise": (noise * 1000).tolist(), "y": label})
    _, info = inspect(logistic, read_dataset(table, "y"))
    assert info["feature_importances"]["metres"] > 0.8


def test_a_linear_model_s_importances_are_coefficients_times_spread():
    fitted, info = inspect(logistic, PLAIN)
    prepared = fitted[:-1].transform(split(PLAIN, 0)[1].batch.matrix)
    sizes = np.abs(fitted[-1].coef_[0]) * prepared.std(axis=0)
    found = info["feature_importances"]
    assert found["plan"] == pytest.approx(sizes[:3].sum() / sizes.sum(), rel=1e-4)
    assert found["age"] == pytest.approx(sizes[3] / sizes.sum(), rel=1e-4)


def test_columns_are_owned_by_their_feature():
    fitted, _ = inspect(forest, PLAIN)
    names = [PLAIN.schema.features[i].name for i in column_owners(fitted, PLAIN.schema)]
    assert names == ["plan", "plan", "plan", "age", "income", "vip"]
    fitted, _ = inspect(boosting, PLAIN)
    assert column_owners(fitted, PLAIN.schema) == [0, 1, 2, 3]


def test_importances_that_are_alike_stand_by_name():
    columns = {name: [i % 30 for i in range(300)] for name in ("b", "a", "c")}
    table = Table({**columns, "y": ["x" if i % 30 > 14 else "z" for i in range(300)]})
    _, info = inspect(logistic, read_dataset(table, "y"))
    assert list(info["feature_importances"]) == ["a", "b", "c"]


def test_a_model_that_looks_at_nothing_has_no_importances():
    fitted, _ = inspect(logistic, PLAIN)
    fitted[-1].coef_ = np.zeros_like(fitted[-1].coef_)
    assert feature_importances(fitted, PLAIN.schema, split(PLAIN, 0)[1]) is None


class Counting(BaseEstimator):
    """An estimator that counts the rows that it predicts."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def fit(self, rows, target):
        return self

    def predict_proba(self, rows):
        self.rows.append(len(rows))
        return np.full((len(rows), 2), 0.5)


@pytest.mark.parametrize(
    ("features", "rows", "repeats", "sample"),
    [
        (200, 1200, 1, 1000),  # more than 100,000 predictions: once each
        (50, 1200, 2, 1000),
        (34, 1200, 2, 1000),
        (33, 1200, 3, 1000),
        (10, 1200, 5, 1000),  # never more than five times
        (50, 400, 5, 400),
    ],
)
def test_shuffling_is_bounded_by_100_000_predictions(features, rows, repeats, sample):
    inputs = tuple(Feature(f"f{i}", "number") for i in range(features))
    matrix = np.zeros((rows, features), dtype=np.float32)
    target = np.arange(rows) % 2
    holdout = Dataset(Schema(inputs, Target("y", ("a", "b"))), Batch(matrix), target)
    estimator = Counting()
    permutation_importances(estimator, holdout, 0)
    assert estimator.rows[0] == sample
    assert sum(estimator.rows[1:]) == sample * features * repeats
    assert max(estimator.rows) * features <= BLOCK_CELLS


def test_of_thousands_of_features_those_that_are_used_most_are_shuffled():
    """2,000 features of 1,000 rows: a hundred of them are all that may be read so often."""
    inputs = tuple(Feature(f"f{i}", "number") for i in range(2000))
    matrix = np.zeros((1000, 2000), dtype=np.float32)
    holdout = Dataset(Schema(inputs, Target("y", ("a", "b"))), Batch(matrix), np.arange(1000) % 2)
    own = {f"f{1999 - i}": 0.0 if i >= 1990 else 1 / 1990 for i in range(2000)}
    estimator = Counting()
    found = permutation_importances(estimator, holdout, 0, own)
    assert sum(estimator.rows[1:]) == 100 * 1000
    assert found.keys() == {*(f"f{1999 - i}" for i in range(100)), *(f"f{i}" for i in range(10))}


def test_shuffling_tells_what_it_costs():
    """By hand: the model reads one feature, and one permutation is as good as another."""

    class Reader(BaseEstimator):
        def predict_proba(self, rows):
            return np.column_stack([1 - rows[:, 1], rows[:, 1]])

    inputs = tuple(Feature(name, "number") for name in ("unused", "read"))
    chance = np.array([0.1, 0.9] * 500, dtype=np.float32)
    holdout = Dataset(
        Schema(inputs, Target("y", ("a", "b"))),
        Batch(np.column_stack([np.arange(1000, dtype=np.float32), chance])),
        np.arange(1000) % 2,
    )
    found = permutation_importances(Reader(), holdout, 0)
    assert list(found) == ["read", "unused"]
    assert found["unused"] == {"mean": 0.0, "std": 0.0}
    assert found["read"]["mean"] == pytest.approx((np.log(0.9) - np.log(0.1)) / 2, abs=0.05)


def test_a_wide_table_is_inspected_in_bounded_time():
    chance = np.random.default_rng(0)
    columns = {f"f{i}": chance.normal(size=1000).tolist() for i in range(200)}
    label = ["a" if value > 0 else "b" for value in columns["f0"]]
    _, info = inspect(logistic, read_dataset(Table({**columns, "y": label}), "y"))
    assert next(iter(info["permutation_importances"])) == "f0"


@pytest.mark.parametrize("make", [forest, boosting, logistic])
def test_the_parts_of_a_date_count_for_their_column(make):
    dataset = read_dataset(dated_table(), "busy")
    fitted, info = inspect(make, dataset)
    if make is not boosting:
        assert list(info["feature_importances"]) == ["when", "noise"]
        owners = column_owners(fitted, dataset.schema)
        assert set(owners) == {0, 1}
    shuffled = info["permutation_importances"]
    assert list(shuffled) == ["when", "noise"]
    assert shuffled["when"]["mean"] > 0.05
