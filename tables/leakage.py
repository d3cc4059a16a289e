"""Giveaways: features that alone tell the label, most often because they were written after it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tables.dataset import Dataset
from tables.split import sample

# The share of each class that a feature alone gets right, on rows not learnt from.
ALMOST_ALL = 0.98
# A tree of so many leaves on one feature; it looks at no more rows than these.
LEAVES = 64
MOST_ROWS = 5000
FOLDS = 3


def leaking_features(dataset: Dataset) -> list[str]:
    """Return the names of the features, other than texts, that give the label away.

    A feature does if a small tree on nothing but it is right, in
    cross-validation, for 98 of 100 rows of each class on average.
    """
    rows = sample(dataset, MOST_ROWS)
    columns = enumerate(dataset.schema.numeric)
    return [f.name for index, f in columns if _tells(rows.batch.matrix[:, [index]], rows.target)]


def _tells(column: NDArray[np.float32], target: NDArray[np.intp]) -> bool:
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import cross_val_score
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_leaf_nodes=LEAVES, random_state=0)
    learnt = balanced_accuracy_score(target, tree.fit(column, target).predict(column))
    if learnt < ALMOST_ALL:
        return False
    scores = cross_val_score(tree, column, target, cv=FOLDS, scoring="balanced_accuracy")
    return float(scores.mean()) >= ALMOST_ALL
