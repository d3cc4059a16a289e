from __future__ import annotations

import numpy as np
import pytest

from learning.compile.compilation import compile_forest
from learning.forms.trees import AtMost, Forest, Is, Leaf, Link, Split
from learning.forms.walk import walk
from learning.runtimes import load_runtime
from tables.batch import Batch

FIRST = Split(AtMost(0, 0.5, True), Leaf((0.25,)), Split(Is(1, 2), Leaf((0.5,)), Leaf((1.0,))))
SECOND = Split(Is(1, None, True), Leaf((0.0,)), Leaf((0.75,)))
ROWS = np.array([[0, 2], [1, 2], [1, 1], [np.nan, 1], [1, np.nan], [0.5, -1]], np.float32)


@pytest.mark.parametrize("link", ["mean", "logistic", "identity", "exponential"])
def test_a_forest_answers_as_it_does_compiled(link: Link) -> None:
    base = () if link == "mean" else (0.125,)
    forest = Forest((FIRST, SECOND), 2, 1, link, base)
    found = compile_forest(forest, precise=True)
    compiled = load_runtime(found.runtime_name, found.members).outputs(Batch(ROWS))
    np.testing.assert_allclose(walk(forest, ROWS), compiled, rtol=1e-12)


def test_scores_are_the_sum_of_leaves_and_base() -> None:
    forest = Forest((FIRST, SECOND), 2, 1, "identity", (10.0,))
    assert walk(forest, ROWS)[:, 0].tolist() == [11.0, 11.25, 11.75, 11.0, 11.0, 11.0]
