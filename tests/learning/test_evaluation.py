"""Evaluation: metrics that can be counted by hand, and who is at least as good."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from learning.evaluation import BINS, calibration, evaluate, is_at_least_as_good
from tables.schema import Label

TWO = Label("y", (False, True))
THREE = Label("y", ("a", "b", "c"))
KEYS = {
    "roc_auc",
    "log_loss",
    "brier_score",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "confusion_matrix",
    "calibration",
}


def both(chance):
    chance = np.array(chance, dtype=np.float32)
    return np.column_stack([1 - chance, chance])


def test_metrics_of_two_classes():
    found = evaluate(both([0.1, 0.6, 0.8, 0.7]), np.array([0, 0, 1, 1]), TWO)
    assert found.keys() == KEYS
    assert found["roc_auc"] == 1.0
    assert found["accuracy"] == 0.75
    assert found["balanced_accuracy"] == 0.75
    assert found["f1"] == pytest.approx(0.8)
    assert found["confusion_matrix"] == [[1, 1], [0, 2]]
    assert found["brier_score"] == pytest.approx((0.01 + 0.36 + 0.04 + 0.09) / 4, abs=1e-6)
    losses = [math.log(1 / p) for p in (0.9, 0.4, 0.8, 0.7)]
    assert found["log_loss"] == pytest.approx(sum(losses) / 4, abs=1e-6)


def test_metrics_of_three_classes():
    sure = np.array([[0.8, 0.1, 0.1], [0.2, 0.45, 0.35], [0.4, 0.3, 0.3]], dtype=np.float32)
    found = evaluate(sure, np.array([0, 1, 2]), THREE)
    assert found["confusion_matrix"] == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert found["accuracy"] == found["balanced_accuracy"] == pytest.approx(2 / 3)
    assert found["f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    squares = (0.04 + 0.01 + 0.01) + (0.04 + 0.3025 + 0.1225) + (0.16 + 0.09 + 0.49)
    assert found["brier_score"] == pytest.approx(squares / 3, abs=1e-6)
    assert found["log_loss"] == pytest.approx(-np.log([0.8, 0.45, 0.3]).mean(), abs=1e-6)
    # One against the rest: a 1, b 1, c 0.5.
    assert found["roc_auc"] == pytest.approx((1 + 1 + 0.5) / 3)


def test_every_class_weighs_the_same_in_roc_auc():
    sure = np.array(
        [[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.2, 0.45, 0.35], [0.4, 0.3, 0.3]]
    )
    found = evaluate(sure, np.array([0, 0, 0, 1, 2]), THREE)
    # One against the rest: a 1, b 1, c 0.75; a has three rows of five.
    assert found["roc_auc"] == pytest.approx((1 + 1 + 0.75) / 3)


def test_metrics_are_ready_for_json():
    sure = both(np.linspace(0, 1, 50))
    found = evaluate(sure, (sure[:, 1] > 0.4).astype(np.intp), TWO)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_probabilities_of_0_and_1_have_a_finite_loss():
    found = evaluate(both([0.0, 1.0, 1.0]), np.array([0, 1, 0]), TWO)
    assert 5 < found["log_loss"] < 6


def test_calibration_has_a_tenth_of_the_rows_in_each_bin_in_order():
    chance = np.linspace(0.005, 0.995, 100)[::-1]
    target = (np.arange(100)[::-1] % 2).astype(np.intp)
    bins = calibration(both(chance).astype(float), target)
    assert [found["count"] for found in bins] == [10] * BINS
    assert [round(found["mean_predicted"], 2) for found in bins] == [
        round(0.05 + 0.1 * i, 2) for i in range(10)
    ]
    assert [found["fraction_observed"] for found in bins] == [0.5] * 10


def test_calibration_of_many_classes_is_of_the_predicted_one():
    sure = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3]])
    assert calibration(sure, np.array([0, 0])) == [
        {"count": 1, "mean_predicted": 0.5, "fraction_observed": 0.0},
        {"count": 1, "mean_predicted": 0.8, "fraction_observed": 1.0},
    ]


RANDOM = np.random.default_rng(0)
TARGET = RANDOM.integers(0, 2, 400)
GOOD = both(np.clip(0.25 + 0.5 * TARGET + RANDOM.normal(0, 0.1, 400), 0.01, 0.99))
BAD = both(RANDOM.random(400) * 0.98 + 0.01)


def test_a_better_challenger_is_at_least_as_good_and_a_worse_one_is_not():
    better = is_at_least_as_good(BAD, GOOD, TARGET, 0)
    assert better.at_least_as_good
    assert better.share == 1.0
    assert better.challenger_log_loss < better.champion_log_loss
    assert better.interval[0] <= better.difference <= better.interval[1] < 0
    worse = is_at_least_as_good(GOOD, BAD, TARGET, 0)
    assert not worse.at_least_as_good
    assert worse.share == 0.0
    assert worse.interval[0] > 0


def test_the_same_model_is_at_least_as_good_as_itself_also_when_rounded():
    assert is_at_least_as_good(GOOD, GOOD, TARGET, 0).share == 1.0
    assert is_at_least_as_good(GOOD, GOOD + np.float32(1e-7), TARGET, 0).share == 1.0


def test_the_comparison_is_paired_and_the_same_each_time():
    noise = np.float32(0.001) * RANDOM.random((400, 1), dtype=np.float32)
    slightly = GOOD + noise * np.where(TARGET == 1, [[1], [-1]], [[-1], [1]]).T
    found = is_at_least_as_good(slightly, GOOD, TARGET, 5)
    # Row by row it is better everywhere, although by less than rows differ among themselves.
    assert found.share == 1.0
    assert found == is_at_least_as_good(slightly, GOOD, TARGET, 5)
    assert (found.rows, found.resamples) == (400, 2000)
