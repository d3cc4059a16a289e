"""A forest asked as it stands, node by node: slow, and the measure of what is compiled from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learning.forms.trees import AtMost, Forest, Leaf, Node, Test
from learning.links import outputs_of

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Rows = NDArray[np.intp]


def walk(forest: Forest, columns: Floats) -> Doubles:
    """Return the outputs for the columns `[n, width]` that the forest's tests name."""
    scores = np.zeros((len(columns), forest.outputs))
    for tree in forest.trees:
        _add(tree, columns, np.arange(len(columns)), scores)
    if forest.link == "mean":
        scores /= max(1, len(forest.trees))
    return outputs_of(forest.link, scores + np.array(forest.base or 0.0))


def _add(node: Node, columns: Floats, rows: Rows, scores: Doubles) -> None:
    if not len(rows):
        return
    if isinstance(node, Leaf):
        scores[rows] += node.values
        return
    holds = _holds(node.test, columns[rows, node.test.feature])
    _add(node.yes, columns, rows[holds], scores)
    _add(node.no, columns, rows[~holds], scores)


def _holds(test: Test, values: Floats) -> NDArray[np.bool_]:
    missing = np.isnan(values)
    if isinstance(test, AtMost):
        holds = values.astype(np.float64) <= test.threshold
    else:
        holds = values == (np.nan if test.code is None else test.code)
    return np.where(missing, bool(test.missing), holds)
