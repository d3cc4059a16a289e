"""The additive form, as it is compiled."""

from __future__ import annotations

import numpy as np
import pytest

from learning.compile.compilation import compile_additive
from learning.forms.additive import Additive, Term
from learning.forms.sources import Linear, Number
from learning.forms.trees import AtMost, Forest, Leaf, Split
from learning.runtimes import load_runtime
from tables.batch import Batch

TREE = Split(AtMost(0, 0.5), Leaf((1.0,)), Leaf((-1.0,)))
ROWS = np.array([[0.0], [1.0], [9.0]], np.float32)


def answers(form, matrix=ROWS):
    found = compile_additive(form)
    return load_runtime(found.runtime_name, found.members).outputs(Batch(matrix))


@pytest.mark.parametrize("link", ["identity", "exponential"])
def test_trees_and_a_term_within_its_bounds_are_added_before_the_link(link):
    forest = Forest((TREE, TREE), 1, 1, link, (0.25,))
    term = Term(Linear([Number(0)], [[1.0]], [0.5]), (2.0,), (-5.0,), (2.0,))
    scores = np.array([2 + 0.25 + 2 * 0.5, -2 + 0.25 + 2 * 1.5, -2 + 0.25 + 2 * 2.0])
    expected = scores if link == "identity" else np.exp(scores)
    assert answers(Additive(forest, term))[:, 0] == pytest.approx(expected)
    for index, value in enumerate(expected):
        assert answers(Additive(forest, term), ROWS[[index]]).tolist() == [[pytest.approx(value)]]


def test_either_may_be_absent():
    alone = answers(Additive(Forest((TREE,), 1, 1, "logistic", (0.0,))))
    assert alone[0] == pytest.approx([1 / (1 + np.e), np.e / (1 + np.e)])
    term = Term(Linear([Number(0)], [[1.0]], [0.0]), (1.0,), (-9.0,), (9.0,))
    assert answers(Additive(Forest((), 1, 1, "identity"), term))[:, 0].tolist() == [0.0, 1.0, 9.0]
