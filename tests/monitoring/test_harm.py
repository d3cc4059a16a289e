"""Harm: what loss is to be expected, what was measured, and whether labels came true as before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from learning.profile import Answers
from monitoring.drift_bets import HOURS_A_YEAR
from monitoring.harm import (
    Labels,
    calibrated,
    expected_auc,
    expected_loss,
    measured_loss,
)
from tables.sketch import count, sketch_numbers

Array = np.ndarray[Any, Any]


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def answers_of(said: Array, came: Array) -> Answers:
    score = sketch_numbers(said)
    losses = -np.log(np.where(came, said, 1 - said))
    happened = tuple(count(score.cells(said[came]), score).tolist())
    deviation = float(losses.std())
    loss = sketch_numbers(losses)
    return Answers(len(said), score, loss, float(losses.mean()), deviation, happened)


def scored(rows: int, seed: int, spread: float = 1.5) -> tuple[Array, Array]:
    """Return what a calibrated model says of rows, and what comes true."""
    random = np.random.default_rng(seed)
    said = sigmoid(random.normal(0.5, spread, rows))
    return said, random.random(rows) < said


def test_the_expected_loss_of_other_rows_is_near_what_it_turns_out_to_be() -> None:
    answers = answers_of(*scored(4000, 0))
    known = calibrated(answers)
    assert known is not None
    said, came = scored(4000, 1, spread=0.7)  # harder rows
    counts = count(answers.score.cells(said), answers.score)
    found = expected_loss(counts, answers, known)
    assert found.value == pytest.approx(log_loss(came, said), abs=0.02)
    assert found.holdout == pytest.approx(answers.mean_loss, abs=0.02)
    assert found.is_worse
    auc = expected_auc(counts, known)
    assert auc == pytest.approx(roc_auc_score(came, said), abs=0.02)


def test_probabilities_that_are_too_sure_are_calibrated_first() -> None:
    said, came = scored(4000, 0)
    odds = np.log(said / (1 - said))
    answers = answers_of(sigmoid(3 * odds), came)
    known = calibrated(answers)
    assert known is not None
    counts = answers.score.totals
    assert expected_loss(counts, answers, known).value == pytest.approx(answers.mean_loss, rel=0.05)


def test_no_rows_have_no_auc_and_a_quantity_is_not_calibrated() -> None:
    answers = answers_of(*scored(400, 0))
    known = calibrated(answers)
    assert known is not None
    assert expected_auc(np.zeros_like(answers.score.totals), known) is None
    score = sketch_numbers(np.arange(9.0))
    assert calibrated(Answers(9, score, score, 1.0, 1.0)) is None


def test_a_measured_loss_is_worse_when_chance_does_not_explain_it() -> None:
    answers = answers_of(*scored(1000, 0))
    worse = measured_loss(answers.mean_loss + 0.2, answers.loss_deviation, 500, answers)
    assert worse.is_worse
    assert worse.interval == pytest.approx((0.2 - 0.0527, 0.2 + 0.0527), abs=0.003)
    assert not measured_loss(answers.mean_loss + 0.02, 0.4, 500, answers).is_worse


def alarms(labels: Labels, answers: Answers, said: Array, came: Array, runs: int = 1) -> Array:
    """Return after which rows each run alarms, looked at ten rows an hour `[runs, hours]`."""
    random = np.random.default_rng(0)
    bag, evidence = (np.broadcast_to(a, (runs, *a.shape)) for a in labels.start())
    found = []
    for start in range(0, said.shape[-1], 10):
        part = slice(start, start + 10)
        cells = answers.score.cells(said[:, part].ravel()).reshape(runs, -1)
        uniform = random.random(cells.shape)
        bag, evidence, alarm = labels.advance(
            bag, evidence, cells, came[:, part], uniform, 1.0, 8 * HOURS_A_YEAR
        )
        found.append(alarm)
    return np.stack(found, axis=-1)


def some(runs: int, rows: int, seed: int) -> tuple[Array, Array]:
    said, came = scored(runs * rows, seed)
    return said.reshape(runs, rows), came.reshape(runs, rows)


def test_labels_that_come_true_as_before_raise_no_alarm_whatever_the_scores() -> None:
    answers = answers_of(*scored(1000, 0))
    labels = Labels(answers)
    said, came = some(40, 1000, 1)
    assert not alarms(labels, answers, said, came, 40).any()
    hard, came = scored(40_000, 2, spread=0.5)
    assert not alarms(labels, answers, hard.reshape(40, -1), came.reshape(40, -1), 40).any()


@pytest.mark.parametrize("change", ["swapped", "shifted"])
def test_labels_that_come_true_otherwise_raise_one(change: str) -> None:
    answers = answers_of(*scored(2000, 0))
    random = np.random.default_rng(1)
    said, came = some(20, 1000, 2)
    if change == "swapped":
        came = came ^ (random.random(came.shape) < 0.15)
    else:
        came = random.random(came.shape) < sigmoid(np.log(said / (1 - said)) - 0.8)
    assert alarms(Labels(answers), answers, said, came, 20).any(axis=-1).mean() > 0.9


def test_labels_that_come_true_as_surer_scores_would_have_it_are_no_harm() -> None:
    answers = answers_of(*scored(2000, 0))
    random = np.random.default_rng(1)
    said, _ = some(20, 1000, 2)
    came = random.random(said.shape) < sigmoid(1.8 * np.log(said / (1 - said)))
    assert not alarms(Labels(answers), answers, said, came, 20).any()


def test_labels_that_come_true_more_often_where_that_is_mostly_said_are_no_harm() -> None:
    random = np.random.default_rng(1)
    odds = np.abs(random.normal(1, 1, 22_000))  # the second class is always the likelier
    said = sigmoid(odds)
    answers = answers_of(said[:2000], random.random(2000) < said[:2000])
    came = random.random(20_000) < sigmoid(odds[2000:] + 0.8)
    rows = said[2000:].reshape(20, -1)
    found = alarms(Labels(answers), answers, rows, came.reshape(20, -1), 20)
    assert not found.any()


def test_a_model_that_says_one_half_of_all_can_be_watched() -> None:
    said = np.full(300, 0.5)
    labels = Labels(answers_of(said, np.arange(300) < 150))
    assert np.isfinite(labels.start()[0]).all()


def test_most_is_staked_on_what_labels_alone_can_tell() -> None:
    labels = Labels(answers_of(*scored(4000, 0)))
    assert len(labels.stakes) == len(labels.start()[1])
    assert labels.stakes.sum() == pytest.approx(1.0)
    # Two of the four shifts raise the loss, and all of three slopes and two swaps.
    assert labels.stakes.tolist() == pytest.approx([0.1] * 2 + [0.16] * 5)
