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


def test_no_weight_is_negative():
    found = pool({"wrong": column(-TRUTH)}, CLASSES, LINKS["logistic"])
    assert found.weights == {"wrong": 0.0}
    assert found.loss == pytest.approx(found.constant, rel=1e-3)


def test_quantities_are_pooled_with_what_is_added():
    values = 3.0 * TRUTH + 50.0
    found = pool({"a": column(TRUTH)}, values, LINKS["identity"])
    assert np.allclose(scores_of({"a": column(TRUTH)}, found)[:, 0], values, atol=0.5)


@pytest.mark.parametrize("link", list(LINKS))
def test_the_slope_is_that_of_the_loss(link):
    outputs = 3 if link == "softmax" else 1
    scores = RANDOM.normal(size=(20, outputs))
    values = np.arange(20) % max(2, outputs) if link in ("logistic", "softmax") else TRUTH[:20]
    slope = LINKS[link].slope(scores, values)
    moved = scores.copy()
    moved[7, 0] += 1e-6
    rise = (LINKS[link].slope(moved, values).loss - slope.loss) / 1e-6
    assert slope.by_scores[7, 0] == pytest.approx(rise, abs=1e-4)
    assert slope.loss == pytest.approx(LINKS[link].losses(scores, values).mean())
