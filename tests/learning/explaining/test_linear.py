"""What features contribute to a weighted sum of columns and words, kept within bounds."""

from __future__ import annotations

import numpy as np
import pytest

from learning.compile.weights import linear_model, text_model
from learning.explaining.linear import Bounds, Features, Sum
from learning.forms.sources import Indicator, Linear, Number
from learning.forms.trees import Is
from learning.runtimes.scores import LinearScorer
from learning.runtimes.text import Terms, TextModel, Words
from tables.batch import Batch

# Two columns of feature 0, a code of feature 2; feature 1 is a text.
MODEL = Linear(
    [Number(0), Number(1, fill=5.0), Indicator(Is(2, 3))],
    [[2.0, -1.0, 4.0], [1.0, 1.0, 1.0]],
    [0.5, 0.0],
)
FEATURES = Features((0, 0, 2), (1,), 3)
ROW = Batch(np.array([[1.0, np.nan, 3.0]], np.float32))


def test_a_feature_has_the_parts_of_all_its_columns():
    found = Sum(LinearScorer(linear_model(MODEL)), FEATURES)
    zero = found.parts(Batch(np.array([[0.0, 0.0, 0.0]], np.float32)), 0)[0]
    parts = found.parts(ROW, 0)[0] - zero
    np.testing.assert_allclose(parts, [2.0 - 5.0, 0.0, 4.0])


@pytest.mark.parametrize("output", [0, 1])
def test_baseline_and_contributions_come_to_the_sum(output):
    scorer = LinearScorer(linear_model(MODEL))
    found, means = Sum(scorer, FEATURES), np.array([0.25, 0.0, -1.0])
    total = (
        found.baseline(output, means) + found.contributions(ROW, output, means).contributions.sum()
    )
    assert total == pytest.approx(scorer.rows(ROW.matrix)[0, output])


def test_a_sum_that_is_cut_off_is_shared_in_proportion():
    scorer = LinearScorer(linear_model(MODEL))
    bounds = [Bounds(2.0, -1.0, 1.0), Bounds(1.0, -1.0, 1.0)]
    found, means = Sum(scorer, FEATURES, bounds), np.array([0.0, 0.0, -4.0])
    plain = Sum(scorer, FEATURES).contributions(ROW, 0, means).contributions[0]
    cut = found.contributions(ROW, 0, means).contributions[0]
    score = 2.0 * float(np.clip(scorer.rows(ROW.matrix)[0, 0], -1.0, 1.0))
    assert found.baseline(0, means) + cut.sum() == pytest.approx(score)
    assert cut[0] / cut[2] == pytest.approx(plain[0] / plain[2])


def test_words_are_told_one_by_one_and_weighted_as_the_sum_is():
    words = Words(0, ("bad", "good"), ((-2.0, 3.0),), r"\w+")
    model = TextModel((words,), text_model(Linear([], [[]], [0.5])).linear)
    found = Sum(Terms(model), Features((), (0,), 1), [Bounds(10.0, -100.0, 100.0)])
    row, means = Batch(np.empty((1, 0), np.float32), (["good good bad"],)), np.array([1.0])
    shares = found.contributions(row, 0, means)
    assert shares.contributions.tolist() == [[30.0]]
    assert found.words(row, 0, shares.factors) == [{0: {"good": 60.0, "bad": -20.0}}]
    assert found.baseline(0, means) == 15.0
