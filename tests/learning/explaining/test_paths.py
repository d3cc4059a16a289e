"""Leaves as arrays: kept and read back, taken by output, and the bins of values."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from learning.explaining.leaves import paths_of
from learning.explaining.paths import Bins, Kept, Paths, products
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


@pytest.mark.parametrize(
    ("value", "expected"), [(-9.0, 0), (1.5, 0), (1.6, 1), (np.inf, 1), (np.nan, 2)]
)
def test_a_value_falls_in_the_bin_that_ends_at_or_above_it(value, expected):
    bins = Bins(PATHS)
    row = np.array([[value, 0.0]], np.float32)
    assert bins.of_row(row[0].tolist())[0] == expected
    assert bins.of_rows(row)[0, 0] == expected


def test_a_code_has_a_bin_of_its_own():
    bins = Bins(PATHS)
    found = [bins.of_row([0.0, code])[1] for code in (-1.0, 2.0, 3.0, 4.0, float("nan"))]
    assert found[0] == found[1] < found[2] < found[3] < found[4]
    rows = np.array([[0.0, c] for c in (-1, 2, 3, 4, np.nan)], np.float32)
    assert bins.of_rows(rows)[:, 1].tolist() == found


def test_the_product_of_no_factors_is_1():
    starts = np.array([0, 0, 2, 2, 3, 3], np.int32)
    found = products(np.array([2.0, 3.0, 5.0]), starts)
    assert found.tolist() == [1.0, 6.0, 1.0, 5.0, 1.0]
