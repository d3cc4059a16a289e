"""Classification: metrics that can be counted by hand, answers as the protocols render them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from errors import EquivalenceError
from learning.tasks.classification import calibration, expected_calibration_error, task
from tables.schema import Target

TWO = Target("y", (False, True))
THREE = Target("y", ("a", "b", "c"))
KEYS = {
    "roc_auc",
    "log_loss",
    "brier_score",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "expected_calibration_error",
    "confusion_matrix",
    "calibration",
}


def both(chance):
    chance = np.array(chance, dtype=np.float32)
    return np.column_stack([1 - chance, chance])


def test_metrics_of_two_classes():
    found = task.metrics(both([0.1, 0.6, 0.8, 0.7]), np.array([0, 0, 1, 1]), TWO)
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
    found = task.metrics(sure, np.array([0, 1, 2]), THREE)
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
    found = task.metrics(sure, np.array([0, 0, 0, 1, 2]), THREE)
    # One against the rest: a 1, b 1, c 0.75; a has three rows of five.
    assert found["roc_auc"] == pytest.approx((1 + 1 + 0.75) / 3)


def test_metrics_are_ready_for_json():
    sure = both(np.linspace(0, 1, 50))
    found = task.metrics(sure, (sure[:, 1] > 0.4).astype(np.intp), TWO)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_probabilities_of_0_and_1_have_a_finite_loss():
    found = task.metrics(both([0.0, 1.0, 1.0]), np.array([0, 1, 0]), TWO)
    assert 5 < found["log_loss"] < 6


def test_calibration_has_a_tenth_of_the_rows_in_each_bin_in_order():
    chance = np.linspace(0.005, 0.995, 100)[::-1]
    target = (np.arange(100)[::-1] % 2).astype(np.intp)
    bins = calibration(both(chance).astype(float), target)
    assert [found["count"] for found in bins] == [10] * 10
    assert [round(found["mean_predicted"], 2) for found in bins] == [
        round(0.05 + 0.1 * i, 2) for i in range(10)
    ]
    assert [found["fraction_observed"] for found in bins] == [0.5] * 10


def test_calibration_of_two_classes_counts_the_second():
    chance = np.linspace(0.005, 0.995, 100)
    bins = calibration(both(chance).astype(float), (chance > 0.8).astype(np.intp))
    assert [found["fraction_observed"] for found in bins] == [0.0] * 8 + [1.0] * 2


def test_a_probability_of_0_counts_as_the_smallest_step_of_a_float32():
    found = task.metrics(both([0.0, 0.0]), np.array([1, 0]), TWO)
    assert found["log_loss"] == pytest.approx(math.log(2**23) / 2, abs=1e-3)


@pytest.mark.parametrize(("by", "same"), [(9e-6, True), (1.1e-5, False), (float("nan"), False)])
def test_a_compiled_probability_may_differ_by_a_hundred_thousandth(by, same):
    expected = np.array([[0.25, 0.75]])
    found = expected + np.array([by, -by])
    if same:
        assert task.difference(expected, found) == pytest.approx(by)
    else:
        with pytest.raises(EquivalenceError, match="a probability differs by"):
            task.difference(expected, found)


def test_calibration_of_many_classes_is_of_the_predicted_one():
    sure = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3]])
    assert calibration(sure, np.array([0, 0])) == [
        {"count": 1, "mean_predicted": 0.5, "fraction_observed": 0.0},
        {"count": 1, "mean_predicted": 0.8, "fraction_observed": 1.0},
    ]


PREDICTION = task.predict(np.array([[0.123456789, 0.876543211], [0.75, 0.25]]))


def test_a_row_alone_is_rounded_as_among_others():
    outputs = np.random.default_rng(0).random((50, 1)).astype(np.float32)
    outputs = np.hstack([1 - outputs, outputs])
    together = task.predict(outputs)
    alone = [task.predict(outputs[[i]]) for i in range(len(outputs))]
    assert [one.probabilities[0] for one in alone] == together.probabilities
    assert [one.winners[0] for one in alone] == together.winners
    assert PREDICTION.probabilities[0] == [0.1234568, 0.8765432]


def test_answers_are_what_the_protocols_render():
    assert task.answers(PREDICTION, TWO, "predicted_label")[0] == {
        "predicted_label": True,
        "probability": 0.8765432,
        "probabilities": {"false": 0.1234568, "true": 0.8765432},
    }
    assert task.header(TWO) == (
        "prediction",
        "probability",
        "probability_false",
        "probability_true",
    )
    assert task.cells(PREDICTION, TWO)[1] == ("false", 0.75, 0.75, 0.25)
    assert task.answer_schema(TWO, "v")["required"] == ["v", "probability", "probabilities"]
    assert task.answer_schema(TWO)["properties"]["value"] == {"type": "boolean"}


@pytest.mark.parametrize(
    ("classes", "kind"),
    [((False, True), "boolean"), ((0, 1), "integer"), (("a", "b"), "text"), ((0, "b"), "text")],
)
def test_columns_have_a_kind_and_values_row_by_row(classes, kind):
    target = Target("y", classes)
    label, probabilities = task.columns(target)
    assert (label.name, label.kind, label.width) == ("label", kind, None)
    assert (probabilities.width, probabilities.names) == (2, target.keys)
    assert task.column("label", PREDICTION, target) == [classes[1], classes[0]]
    assert task.column("probabilities", PREDICTION, target) == PREDICTION.probabilities


def test_the_loss_is_that_of_the_promotion_rule():
    outputs, values = both([0.1, 0.6, 1.0]), np.array([0, 1, 0])
    losses = task.losses(outputs, values)
    assert losses[:2] == pytest.approx(-np.log([0.9, 0.6]), abs=1e-6)
    assert losses[2] == pytest.approx(-math.log(np.finfo(np.float32).eps), abs=1e-3)
    assert task.loss(task.bounded(outputs), values, TWO) == pytest.approx(losses.mean())


def test_golden_rows_are_of_every_class():
    assert task.golden(np.array([1, 1, 0, 2, 0])) == [2, 0, 3]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize(
    "row", [[0, 1], [1, 0], [3e-8, 1 - 3e-8], [1, 0, 0, 0], [0, 0.25, 0.75], [1e-7, 1 - 1e-7]]
)
def test_no_probability_is_served_as_0_or_1(row, kind):
    outputs = np.array([row], dtype=kind)
    served = np.array(task.predict(outputs).probabilities[0])
    for digits in (served, served.astype(np.float32)):  # as tensors and typed replies have them
        assert ((digits > 0) & (digits < 1)).all()
    assert served.sum() == pytest.approx(1, abs=1e-7)
    assert np.abs(served - row).max() <= 3.1e-7
    assert task.predict(np.vstack([outputs, outputs])).probabilities[1] == served.tolist()
    assert task.predict(outputs).winners == [int(np.argmax(row))]


def test_three_hundred_classes_still_add_up_to_1():
    served = task.predict(np.eye(300, dtype=np.float32)[:2]).probabilities
    assert np.sum(served, axis=1) == pytest.approx([1, 1], abs=1e-7)
    assert served[1][1] == pytest.approx(1 - 299e-7, abs=1e-9)


def test_the_expected_calibration_error_is_the_mean_gap_over_bins():
    """Of two probabilities a hundred rows each: one came true as often as said, one did not."""
    sure = both([0.2] * 100 + [0.9] * 100)
    values = np.array([1, 0, 0, 0, 0] * 20 + [1] * 90 + [0] * 10)
    assert expected_calibration_error(sure, values) == pytest.approx(0, abs=1e-7)
    values[:100] = [1, 1, 1, 0, 0] * 20
    assert expected_calibration_error(sure, values) == pytest.approx(0.4 / 2)
    found = task.metrics(sure, values, TWO)["expected_calibration_error"]
    assert found == pytest.approx(0.2, abs=1e-6)


def test_the_bins_of_the_error_are_deciles():
    """A thousand probabilities; all of the lowest tenth came true, and half of each other."""
    chance = np.linspace(0, 1, 1000)
    values = np.where(chance < 0.1, 1, np.arange(1000) % 2)
    centres = (np.arange(10) + 0.5) / 10
    expected = np.abs(centres - [1, *[0.5] * 9]).mean()
    assert expected_calibration_error(both(chance), values) == pytest.approx(expected, abs=2e-3)


def test_the_error_of_many_classes_is_of_the_predicted_one():
    sure = np.tile([0.7, 0.2, 0.1], (10, 1))
    assert expected_calibration_error(sure, np.array([0] * 7 + [1, 2, 2])) == pytest.approx(0)
    assert expected_calibration_error(sure, np.zeros(10, int)) == pytest.approx(0.3)


def test_a_class_that_the_hold_out_lacks_counts_for_nothing_in_roc_auc():
    three = Target("y", ("a", "b", "c"))
    found = task.metrics(np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1]]), np.array([0, 1]), three)
    assert found["roc_auc"] == 1.0


def test_the_base_rate_is_the_share_of_each_class():
    three = Target("y", ("a", "b", "c"))
    assert task.base_rate(np.array([0, 0, 1, 2]), three).tolist() == [[0.5, 0.25, 0.25]]


def test_several_predictions_are_served_in_one():
    batches = [np.array([[0.25, 0.75]]), np.array([[0.5, 0.5], [0.9, 0.1]])]
    outputs, winners = task.served([task.predict(outputs) for outputs in batches])
    assert outputs.tolist() == [[0.25, 0.75], [0.5, 0.5], [0.9, 0.1]]
    assert winners == [1, 0, 0]
