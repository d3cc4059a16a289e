"""Leaf by leaf: paths of any length, with a sample or without."""

from __future__ import annotations

import numpy as np
import pytest

from learning.explaining.background import background_of
from learning.explaining.leaf_trees import BackgroundLeafTrees, LeafTrees
from learning.explaining.leaves import paths_of
from learning.explaining.paths import Paths
from learning.forms.trees import Forest
from tests.learning.explaining.forests import chain


def _paths(features: int) -> Paths:
    """A path of so many features."""
    forest = Forest((chain(features),), features, 1, "identity", (0.0,))
    return paths_of(forest, range(features))


# No table has a place for each pattern of forty.
PATHS = _paths(40)


def test_all_features_of_a_long_path_have_their_parts_of_its_leaf():
    row = np.full((1, 40), -1.0, np.float32)
    made = LeafTrees(PATHS, 40)
    assert made.rows(row).sum() + made.baseline == pytest.approx(1.0)
    sample = background_of(PATHS, -row).background()
    beside = BackgroundLeafTrees(PATHS, 40, sample)
    assert beside.baseline == 0.0
    np.testing.assert_allclose(beside.rows(row), np.full((1, 40), 1 / 40))


def test_the_work_of_a_row_is_told_and_grows_with_its_paths():
    forty, twenty = LeafTrees(PATHS, 40), LeafTrees(_paths(20), 20)
    assert (forty.work, twenty.work) == (800, 200)
    sample = background_of(PATHS, np.full((1, 40), 1.0, np.float32)).background()
    beside = BackgroundLeafTrees(PATHS, 40, sample)
    assert beside.work == 40 * len(sample.patterns) > 0
