"""What a mistake costs, by link."""

from __future__ import annotations

import numpy as np
import pytest

from learning.additive.losses import LINKS

RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.normal(size=400) * 2


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


def test_the_constant_is_the_best_answer_for_all():
    classes = np.array([0] * 30 + [1] * 10)
    (odds,) = LINKS["logistic"].constant(classes, 1)
    assert 1 / (1 + np.exp(-odds)) == pytest.approx(0.25, abs=0.01)
    shares = np.exp(LINKS["softmax"].constant(classes, 2))
    assert shares == pytest.approx([0.75, 0.25], abs=0.01)
    assert LINKS["identity"].constant(TRUTH, 1) == pytest.approx([TRUTH.mean()])
    assert np.exp(LINKS["exponential"].constant(TRUTH**2, 1)) == pytest.approx([(TRUTH**2).mean()])
