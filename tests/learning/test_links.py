from __future__ import annotations

import numpy as np
import pytest

from learning.links import probabilities_of, row_probabilities


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
