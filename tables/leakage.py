"""Leakage: features that alone tell the label, most often because they were written after it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tables.batch import Matrix
from tables.strata import sampled

# The share of each class that a feature alone gets right, on rows not learnt from.
ALMOST_ALL = 0.98
# A tree of so many leaves on one feature; it looks at no more rows than these.
LEAVES = 64
MOST_ROWS = 5000
FOLDS = 3


def leaking_features(matrix: Matrix, target: NDArray[np.intp], names: Sequence[str]) -> list[str]:
    """Return the names of the columns of a matrix `[n, d]` that give the label away.

    A column does if a small tree on nothing but it is right, in
    cross-validation, for 98 of 100 rows of each class on average.
    """
    rows = sampled(target, MOST_ROWS)
    rows = rows[np.argsort(target[rows], kind="stable")]
    matrix, target = matrix[rows], target[rows]
    return [
        name
        for index, name in enumerate(names)
        if _may_tell(matrix[:, index], target) and _tells(matrix[:, [index]], target)
    ]


def _may_tell(column: NDArray[np.float32], target: NDArray[np.intp]) -> bool:
    """Tell whether a tree could be right often enough, by two bounds of what it gets wrong.

    A tree of L leaves cuts the rows in the column's order into L parts at most. Of a part in
    which the class changes m times m/2 rows at least are wrong, and of rows with one value all
    but those of one class. The rows come sorted by class.
    """
    there = ~np.isnan(column)
    order = np.argsort(column[there], kind="stable")
    values, classes = column[there][order], target[there][order]
    if not len(values):
        return False
    weights = 1 / np.bincount(target) / len(np.unique(target))
    new = np.diff(values, prepend=np.nan) != 0
    starts = np.flatnonzero(new | (np.diff(classes, prepend=-1) != 0))
    runs = np.add.reduceat(weights[classes], starts)
    blocks = np.flatnonzero(new[starts])
    wrong = runs.sum() - np.maximum.reduceat(runs, blocks).sum()
    changes = int((np.diff(classes) != 0).sum()) + 1
    wrong = max(wrong, (changes - LEAVES) / 2 * weights.min())
    return bool(1 - wrong >= ALMOST_ALL)


def _tells(column: Matrix, target: NDArray[np.intp]) -> bool:
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import cross_val_score
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_leaf_nodes=LEAVES, random_state=0)
    learnt = balanced_accuracy_score(target, tree.fit(column, target).predict(column))
    if learnt < ALMOST_ALL:
        return False
    scores = cross_val_score(tree, column, target, cv=FOLDS, scoring="balanced_accuracy")
    return float(scores.mean()) >= ALMOST_ALL
