from __future__ import annotations

import numpy as np
import pytest

from learning.links import outputs_of, probabilities_of, row_outputs, row_probabilities


@pytest.mark.parametrize("score", [0.0, 1.0, -3.0, 800.0, -800.0])
def test_one_score_is_that_of_the_second_class(score: float) -> None:
    together, alone = probabilities_of(np.array([[score]])), row_probabilities([score])
    wanted = 0.5 * (1 + np.tanh(score / 2))
    assert together[0] == pytest.approx([1 - wanted, wanted])
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("scores", [[0.0, 0.0, 0.0], [1.0, -2.0, 5.0], [900.0, -900.0, 899.0]])
def test_many_scores_share_by_their_exponentials(scores: list[float]) -> None:
    together, alone = probabilities_of(np.array([scores])), row_probabilities(scores)
    shifted = np.exp(np.array(scores) - max(scores))
    assert together[0] == pytest.approx(shifted / shifted.sum())
    assert together == pytest.approx(alone)


@pytest.mark.parametrize("link", ["mean", "logistic", "identity", "exponential"])
@pytest.mark.parametrize("scores", [[0.25], [0.5, 0.25, 0.25]])
def test_one_row_is_answered_as_many_are(link: str, scores: list[float]) -> None:
    together, alone = outputs_of(link, np.array([scores])), row_outputs(link, scores)
    assert together == pytest.approx(alone)


def test_a_mean_is_a_probability_already() -> None:
    assert outputs_of("mean", np.array([[0.25]])).tolist() == [[0.75, 0.25]]
    assert outputs_of("mean", np.array([[0.5, 0.2, 0.3]])).tolist() == [[0.5, 0.2, 0.3]]
