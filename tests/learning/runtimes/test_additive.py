"""The runtime of trees and a linear term: their sum, kept within bounds, through one link."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from learning.compile.compilation import compile_additive
from learning.forms.additive import Additive, Term
from learning.forms.sources import Indicator, Linear, Number
from learning.forms.trees import AtMost, Forest, Is, Leaf, Link, Split
from learning.prediction import Runtime
from learning.runtimes import load_runtime
from tables.batch import Batch

ROWS = np.array([[0.0, 1.0], [2.0, 3.0], [1e9, -1.0], [np.nan, np.nan]], np.float32)
BASE = (0.25, -0.25, 0.5)


def trees(outputs: int, link: Link) -> Forest:
    """A tree of one split that gives the last output 1 or -2, 0.5 where the code is 3."""
    none = (0.0,) * (outputs - 1)
    below = Split(Is(1, 3), Leaf((*none, 0.5)), Leaf((*none, 1.0)))
    tree = Split(AtMost(0, 1.5, missing=True), below, Leaf((*none, -2.0)))
    return Forest((tree,), 2, outputs, link, BASE[:outputs])


def term(outputs: int) -> Term:
    """A weighted sum of a number, 7 where it is missing, and a code; within -3 and 4."""
    linear = Linear(
        [Number(0, fill=7.0), Indicator(Is(1, 3))],
        [[1.0 + k, 0.5] for k in range(outputs)],
        [0.1 * k for k in range(outputs)],
    )
    return Term(linear, (2.0,) * outputs, (-3.0,) * outputs, (4.0,) * outputs)


def expected(outputs: int, with_trees: bool, with_term: bool) -> np.ndarray:
    """The scores, written out."""
    scores = np.tile(BASE[:outputs], (len(ROWS), 1))
    if with_trees:
        scores[:, -1] += [1.0, -2.0, -2.0, 1.0]
    if with_term:
        number, code = np.array([0.0, 2.0, 1e9, 7.0]), np.array([0.0, 1.0, 0.0, 0.0])
        for k in range(outputs):
            scores[:, k] += 2.0 * np.clip((1 + k) * number + 0.5 * code + 0.1 * k, -3.0, 4.0)
    return scores


def made(outputs: int, link: Link, with_trees: bool = True, with_term: bool = True) -> Runtime:
    forest = trees(outputs, link)
    if not with_trees:
        forest = Forest((), 2, outputs, link, BASE[:outputs])
    found = compile_additive(Additive(forest, term(outputs) if with_term else None))
    assert found.runtime_name == "additive"
    return load_runtime(found.runtime_name, found.members)


def alone(runtime: Runtime) -> np.ndarray:
    """The answers for the rows, each asked alone."""
    return np.vstack([runtime.outputs(Batch(ROWS[i : i + 1])) for i in range(len(ROWS))])


@pytest.mark.parametrize("parts", [(True, True), (True, False), (False, True), (False, False)])
def test_the_parts_are_added_up(parts):
    runtime = made(1, "identity", *parts)
    for found in (runtime.outputs(Batch(ROWS)), alone(runtime)):
        np.testing.assert_allclose(found, expected(1, *parts), rtol=1e-12)


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_link_is_the_last_step(outputs):
    scores = expected(outputs, True, True)
    if outputs == 1:
        chance = 1.0 / (1.0 + np.exp(-scores))
        wanted = np.hstack((1.0 - chance, chance))
    else:
        wanted = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    runtime = made(outputs, "logistic" if outputs == 1 else "softmax")
    for found in (runtime.outputs(Batch(ROWS)), alone(runtime)):
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_no_rows_are_answered_with_none():
    none = Batch(np.empty((0, 2), np.float32))
    assert made(3, "softmax").outputs(none).shape == (0, 3)


def test_it_answers_an_event_loop_and_loads_no_library_that_learns():
    assert made(1, "logistic").quick
    banned = "lightgbm", "xgboost", "sklearn", "pandas", "scipy"
    code = (
        "import sys; import learning.runtimes.additive; "
        f"print([name for name in {banned} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
