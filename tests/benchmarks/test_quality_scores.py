from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality_scores import (
    Score,
    calibration_error,
    of_classes,
    of_quantities,
    standings,
    truth_of,
)


def test_classes_are_scored_in_the_order_of_the_learner() -> None:
    truth = truth_of(["b", "a", "b"], ["b", "a"])
    assert truth.tolist() == [0, 1, 0]
    outputs = np.array([[0.5, 0.5], [0.2, 0.8], [1.0, 0.0]])
    score = of_classes(outputs, truth, 1.0, 2.0)
    assert score.loss == pytest.approx((-np.log(0.5) - np.log(0.8)) / 3, abs=1e-6)
    assert score.auc == 1.0
    assert (score.cpu, score.row) == (1.0, 2.0)


def test_a_sure_mistake_has_a_finite_loss() -> None:
    assert 10 < of_classes(np.array([[1.0, 0.0]]), np.array([1]), 0, 0).loss < 20


def test_quantities_are_scored_by_the_root_of_the_mean_square() -> None:
    truth = truth_of(["1", "5.5"], None)
    assert of_quantities(np.array([1.0, 2.5]), truth, 0, 0).loss == pytest.approx(np.sqrt(4.5))


def test_probabilities_that_come_true_as_often_have_no_calibration_error() -> None:
    sure = np.tile([0.8, 0.2], (100, 1))
    truth = np.tile([0, 0, 0, 0, 1], 20)
    assert calibration_error(sure, truth) == pytest.approx(0.0, abs=1e-9)
    assert calibration_error(sure, 1 - truth) == pytest.approx(0.6)


def test_learners_are_compared_on_the_folds_that_both_answered() -> None:
    found = {
        ("t", 0): {"a": Score(1.0, 1, 1), "b": Score(2.0, 1, 1), "c": Score(1.0, 1, 1)},
        ("t", 1): {"a": Score(1.0, 1, 1), "b": Score(0.5, 1, 1)},
        ("u", 0): {"a": Score(1.0, 1, 1), "b": Score(8.0, 1, 1)},
    }
    standing = standings(found, ["a", "b", "c"], ["a", "b"])
    assert standing["b"].ratio == pytest.approx(2.0)
    assert (standing["b"].tables, standing["b"].folds) == (2, 3)
    assert standing["a"].rank == pytest.approx(4 / 3)
    assert (standing["c"].folds, standing["c"].rank, standing["c"].ratio) == (1, None, 1.0)
