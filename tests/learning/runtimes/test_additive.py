"""The additive runtime: its members, and a row alone as among others."""

from __future__ import annotations

import numpy as np
import pytest

from learning.compile.graph import forest_graph
from learning.forms.trees import AtMost, Forest, Leaf, Split
from learning.runtimes.additive import HEAD, TERM, TREES, Head, TermModel, dump, load
from learning.runtimes.columns import Columns
from learning.runtimes.scores import LinearModel
from learning.runtimes.text import TextModel
from tables.batch import Batch

CLASSES = 3
TREE = Split(AtMost(0, 0.0), Leaf((0.0, 1.0, 0.0)), Leaf((0.0, 0.0, 2.0)))
LINEAR = LinearModel(
    Columns((0, 1), fill=(None, None)), ((1.0, 0.0), (0.0, 1.0), (0.5, 0.5)), (0.1, 0.2, 0.3)
)
TERM_MODEL = TermModel(TextModel((), LINEAR), (0.5,) * 3, (-2.0,) * 3, (2.0,) * 3)


def members():
    trees = forest_graph(Forest((TREE,), 2, CLASSES, "identity"), precise=True)
    return dump(trees, TERM_MODEL, Head((0.0, 0.1, 0.2), "softmax"))


def test_of_several_classes_all_scores_are_added_and_a_row_alone_is_as_among_others():
    made = members()
    assert set(made) == {HEAD, TREES, TERM}
    runtime = load(made)
    rows = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32) * 3
    together = runtime.outputs(Batch(rows))
    linear = rows.astype(float) @ np.array(LINEAR.weights).T + LINEAR.intercepts
    trees = np.where(rows[:, :1] <= 0, [[0.0, 1.0, 0.0]], [[0.0, 0.0, 2.0]])
    scores = trees + 0.5 * np.clip(linear, -2, 2) + [0.0, 0.1, 0.2]
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert together == pytest.approx(expected)
    alone = np.vstack([runtime.outputs(Batch(rows[[i]])) for i in range(50)])
    assert alone == pytest.approx(together, abs=1e-12)


def test_no_rows_are_answered_with_none():
    assert load(members()).outputs(Batch(np.empty((0, 2), np.float32))).shape == (0, CLASSES)
