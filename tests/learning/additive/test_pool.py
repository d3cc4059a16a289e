"""The weights of parts."""

from __future__ import annotations

import numpy as np
import pytest

from learning.additive.losses import LINKS
from learning.additive.pool import pool, scores_of

ROWS = 400
RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.normal(size=ROWS) * 2
CLASSES = (RANDOM.random(ROWS) < 1 / (1 + np.exp(-TRUTH))).astype(np.intp)


def column(values):
    return np.asarray(values, float)[:, None]


def test_a_part_that_is_right_is_left_as_it_is_and_noise_is_left_out():
    parts = {"right": column(TRUTH), "noise": column(RANDOM.normal(size=ROWS))}
    found = pool(parts, CLASSES, LINKS["logistic"])
    assert found.weights["noise"] == 0.0
    assert found.weights["right"] == pytest.approx(1.0, abs=0.25)
    assert found.loss < 0.8 * found.constant


def test_a_part_that_is_too_sure_is_held_back():
    found = pool({"sure": column(TRUTH * 10)}, CLASSES, LINKS["logistic"])
    assert found.weights["sure"] == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("link", ["logistic", "softmax"])
def test_parts_that_tell_nothing_come_to_the_base_rate(link):
    rare = (np.arange(ROWS) % 10 == 0).astype(np.intp)
    outputs = 1 if link == "logistic" else 2
    parts = {"noise": RANDOM.normal(size=(ROWS, outputs)) * 3}
    found = pool(parts, rare, LINKS[link])
    assert found.loss == pytest.approx(found.constant, rel=0.02)
    assert found.loss <= found.constant
    assert found.constant == pytest.approx(0.325, abs=0.002)


def test_of_few_rows_the_answer_is_nearer_to_the_base_rate():
    few, truth = column(TRUTH[:24]), CLASSES[:24]
    held = pool({"a": few}, truth, LINKS["logistic"])
    sure = pool({"a": np.tile(few, (50, 1))}, np.tile(truth, 50), LINKS["logistic"])
    assert 0.0 < held.weights["a"] < 0.8 * sure.weights["a"]
    assert sure.loss < held.loss < held.constant


def test_a_gain_that_may_be_chance_is_none():
    # Right in six of ten.
    sides = np.array([1.0] * 6 + [-1.0] * 4)
    parts, truth = {"a": column([*sides, *-sides])}, np.repeat([1, 0], 10)
    found = pool(parts, truth, LINKS["logistic"])
    assert found.weights == {"a": 0.0}
    assert np.allclose(scores_of(parts, found), 0.0)


def test_no_weight_is_negative():
    found = pool({"wrong": column(-TRUTH)}, CLASSES, LINKS["logistic"])
    assert found.weights == {"wrong": 0.0}
    assert found.loss == pytest.approx(found.constant, rel=1e-3)


def test_quantities_are_pooled_with_what_is_added():
    values = 3.0 * TRUTH + 50.0
    found = pool({"a": column(TRUTH)}, values, LINKS["identity"])
    assert np.allclose(scores_of({"a": column(TRUTH)}, found)[:, 0], values, atol=0.5)
