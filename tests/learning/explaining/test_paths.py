"""Leaves as arrays: kept and read back, taken by output, and the bins of values."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from learning.explaining.leaves import paths_of
from learning.explaining.paths import Kept, Paths, products
from learning.forms.trees import AtMost, Forest, Is, Leaf, Split

TREE = Split(
    AtMost(0, 1.5, missing=True),
    Leaf((1.0, 0.0), 2.0),
    Split(Is(1, 3, missing=True), Leaf((0.0, 3.0), 1.0), Leaf((0.0, 4.0), 3.0), 4.0),
    6.0,
)
PATHS = paths_of(Forest((TREE,), 2, 2, "softmax", (0.0, 0.0)), [0, 1])


def same(left: Paths, right: Paths) -> None:
    assert left.edges == right.edges
    for name in left._fields[:-1]:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))


def test_what_is_kept_is_read_back():
    data = msgspec.msgpack.encode(Kept(**PATHS.dump()))
    same(msgspec.msgpack.decode(data, type=Kept).paths(), PATHS)


def test_arrays_that_are_cut_are_refused():
    kept = PATHS.dump()
    with pytest.raises(ValueError, match="multiple"):
        Kept(**{**kept, "values": kept["values"][:-1]}).paths()


def test_the_leaves_of_an_output_stand_as_if_they_were_all():
    alone = PATHS.of(1)
    assert alone.values.tolist() == [3.0, 4.0]
    assert alone.starts.tolist() == [0, 2, 4]
    assert alone.conditions.tolist() == [0, 1, 2, 3]
    assert alone.owners.tolist() == [0, 1, 0, 1]
    same(alone.of(1), alone)


def test_the_product_of_no_factors_is_1():
    starts = np.array([0, 0, 2, 2, 3, 3], np.int32)
    found = products(np.array([2.0, 3.0, 5.0]), starts)
    assert found.tolist() == [1.0, 6.0, 1.0, 5.0, 1.0]
