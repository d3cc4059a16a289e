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
    matrix, target = matrix[rows], target[rows]
    return [name for index, name in enumerate(names) if _tells(matrix[:, [index]], target)]


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
