"""What each feature contributes to a forest's score: by tables, or where those are too large, by
going through the leaves.

Both are exact, and both are NumPy alone.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from learning.explaining.background import Background
from learning.explaining.leaf_trees import BackgroundLeafTrees, LeafTrees
from learning.explaining.paths import Doubles, Paths
from learning.explaining.table_trees import MOST_BYTES, TableTrees
from tables.batch import Matrix

# A leaf of more conditions has no table: it would have more than so many patterns.
MOST_CONDITIONS = 8


class Trees(Protocol):
    """What a forest's trees contribute to one score; `cost` says what a row takes.

    `work` is how many numbers a row takes that is explained leaf by leaf, about 10 ns each; 0
    where tables are looked up.
    """

    quick: bool
    work: int
    baseline: float

    @property
    def cost(self) -> str:
        """What explaining a row takes, in words."""
        ...

    def rows(self, matrix: Matrix) -> Doubles:
        """Return what each feature contributes `[n, features]`, of rows of the matrix."""
        ...


def trees_of(paths: Paths, features: int, background: Background | None = None) -> Trees:
    """Return the quickest way to explain the trees of one score."""
    conditions = np.diff(paths.starts)
    sizes = int((conditions * (1 << np.minimum(conditions, 30).astype(np.int64))).sum()) * 4
    if paths.most <= MOST_CONDITIONS and sizes <= MOST_BYTES:
        return TableTrees(paths, features, background)
    if background is not None:
        return BackgroundLeafTrees(paths, features, background)
    return LeafTrees(paths, features)
