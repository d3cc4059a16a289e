"""A background sample: its patterns by leaf, and none of its rows."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from learning.explaining import background
from learning.explaining.background import KeptBackground, background_of
from learning.explaining.leaves import paths_of
from learning.forms.sources import CannotFold
from learning.forms.trees import AtMost, Forest, Leaf, Split
from tests.learning.explaining.forests import chain

TREE = Split(
    AtMost(0, 1.5),
    Leaf((1.0,), 1.0),
    Split(AtMost(1, 0.5), Leaf((2.0,), 1.0), Leaf((3.0,), 1.0), 2.0),
    3.0,
)
PATHS = paths_of(Forest((TREE, Leaf((1.0,), 3.0)), 2, 1, "identity", (0.0,)), [0, 1])
ROWS = np.array([[1.0, 0.0], [2.0, 0.0], [2.0, 1.0], [3.0, 1.0]], np.float32)


def test_each_leaf_has_its_patterns_with_the_share_of_the_rows():
    found = background_of(PATHS, ROWS).background()
    assert found.starts.tolist() == [0, 2, 5, 8, 9]
    assert found.patterns.tolist() == [0, 1, 1, 2, 3, 0, 1, 3, 0]
    assert found.shares[:2].tolist() == [0.75, 0.25]
    totals = np.bincount(found.leaves, found.shares)
    np.testing.assert_allclose(totals, 1.0)


def test_chances_are_the_shares_by_pattern():
    found = background_of(PATHS, ROWS).background()
    np.testing.assert_allclose(found.chances(np.array([1]), 2), [[0.0, 0.5, 0.25, 0.25]])
    np.testing.assert_allclose(found.chances(np.array([0]), 1), [[0.75, 0.25]])


def test_the_order_of_the_rows_is_lost_and_so_are_their_values():
    kept = background_of(PATHS, ROWS)
    assert kept == background_of(PATHS, ROWS[::-1])
    # Rows of other values in the same bins are the same sample.
    assert kept == background_of(PATHS, ROWS + np.float32(0.25))
    data = msgspec.msgpack.encode(kept)
    assert np.float32(3.0).tobytes() not in data
    again = msgspec.msgpack.decode(data, type=KeptBackground).background()
    assert again.patterns.tolist() == kept.background().patterns.tolist()


def test_some_leaves_are_taken_with_their_patterns():
    found = background_of(PATHS, ROWS).background()
    part = found.of(np.array([False, False, True, True]))
    assert part.starts.tolist() == [0, 3, 4]
    assert part.patterns.tolist() == found.patterns[5:].tolist()


def test_what_is_too_large_is_refused(monkeypatch):
    paths = paths_of(Forest((chain(64),), 64, 1, "identity", (0.0,)), range(64))
    with pytest.raises(CannotFold, match="more than 63 features"):
        background_of(paths, np.zeros((1, 64), np.float32))
    monkeypatch.setattr(background, "MOST_PATTERNS", 3)
    with pytest.raises(CannotFold, match="more than 3 patterns"):
        background_of(PATHS, ROWS)
