"""Splits by membership: a column a set, looked up by code."""

from __future__ import annotations

import numpy as np
import pytest

from errors import ModelFileError
from learning.compile.compilation import compile_forest
from learning.forms.splits import MOST_CODES
from learning.forms.trees import AtMost, Forest, Leaf, Split
from learning.imports.memberships import Memberships, with_memberships
from learning.runtimes.onnx import MEMBER, OnnxRuntime
from tables.batch import Batch


def test_a_set_has_one_column_behind_the_features() -> None:
    found = Memberships(3)
    assert [found.index(1, 0b101), found.index(1, 0b010), found.index(1, 0b101)] == [3, 4, 3]
    assert found.width == 5


def test_a_table_says_of_each_code_whether_it_is_in_the_set() -> None:
    found = Memberships(2)
    found.index(0, 0b101)
    found.index(0, 0b010)
    found.index(0, 0b110, missing=True)
    # A code below 0, the three, one above them, no value.
    assert found.tables()[0].tolist() == [
        [0, 0, 0], [1, 0, 0], [0, 1, 1], [1, 0, 1], [0, 0, 0], [0, 0, 1],
    ]  # fmt: skip
    codes = np.array([[-1], [0], [1], [2], [3], [99], [np.nan]], np.float32)
    matrix = np.hstack([codes, codes * 0])
    assert found.columns_of(matrix)[:, 2:].tolist() == [
        [0, 0, 0], [1, 0, 0], [0, 1, 1], [1, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 1],
    ]  # fmt: skip


def test_columns_stand_table_by_table_after_the_features() -> None:
    found = Memberships(2)
    first, second, third = found.index(0, 1), found.index(1, 1), found.index(0, 2)
    assert [first, second, third] == [2, 3, 4]
    assert found.indices() == [0, 1, 2, 4, 3]


def test_very_many_codes_are_no_categories() -> None:
    found = Memberships(1)
    found.index(0, 1 << (MOST_CODES - 1))
    assert found.tables()[0][-3:, 0].tolist() == [1, 0, 0]
    for bit in range(300):
        found.index(0, 1 << bit)
    with pytest.raises(ModelFileError, match="too many splits"):
        found.tables()
    with pytest.raises(ModelFileError, match="code is above 1048576"):
        found.index(0, 1 << MOST_CODES)


def test_a_forest_of_doubles_with_missing_values_answers_as_its_columns_say() -> None:
    found = Memberships(2)
    inside, other = Leaf((2.5,)), Split(AtMost(1, 0.25, True), Leaf((-1.0,)), Leaf((1.0,)))
    root = Split(AtMost(found.index(0, 0b101, missing=True), 0.5), other, inside)
    compiled = compile_forest(Forest((root,), found.width, 1, "exponential", (0.5,)))
    data = with_memberships(compiled.members[MEMBER], found)
    rows = [[0, 9], [1, 0], [1, 9], [1, np.nan], [np.nan, 9], [-1, 9], [3, 0]]
    answered = OnnxRuntime(data).outputs(Batch(np.array(rows, np.float32)))
    assert answered[:, 0] == pytest.approx(np.exp([3.0, -0.5, 1.5, -0.5, 3.0, 1.5, -0.5]))
