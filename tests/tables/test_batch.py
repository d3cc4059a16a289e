"""Batches: several as one."""

from __future__ import annotations

import numpy as np

from tables.batch import Batch, joined


def test_several_are_one_in_their_order() -> None:
    one = Batch(np.array([[1.0], [2.0]], np.float32), (["a", "b"],))
    other = Batch(np.array([[3.0]], np.float32), (["c"],))
    found = joined([one, other])
    assert found.matrix.tolist() == [[1.0], [2.0], [3.0]]
    assert found.texts == (["a", "b", "c"],)
    assert joined([one]) is one
