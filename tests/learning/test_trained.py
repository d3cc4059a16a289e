"""Trained models: which golden rows they keep, and what is shown of their runtime."""

from __future__ import annotations

import numpy as np
import pytest

from learning.trained import Golden, TrainedModel, choose_golden, golden_of
from tables.batch import Batch
from tables.dataset import Dataset
from tables.schema import Feature, Schema, Target

SCHEMA = Schema((Feature("x", "number", nullable=True),), Target("y", ("a", "b", "c")))


class Constant:
    """A runtime that answers every row alike."""

    name, compiled, quick = "constant", True, True

    def outputs(self, batch: Batch) -> np.ndarray:
        """Return `[n, 3]` probabilities."""
        return np.array([[0.5, 0.25, 0.25]] * len(batch.matrix))


def holdout(target: list[int], missing: tuple[int, ...] = ()) -> Dataset:
    matrix = np.arange(len(target), dtype=np.float32)[:, None]
    matrix[list(missing)] = np.nan
    return Dataset(SCHEMA, Batch(matrix), np.array(target))


def test_twenty_rows_are_kept_among_them_one_of_each_class_and_five_with_missing_values() -> None:
    held = holdout([0] * 60 + [1] * 30 + [2] * 10, missing=tuple(range(50, 58)))
    golden = choose_golden(held, Constant())
    assert len(golden.rows) == len(golden.outputs) == 20
    assert [row["x"] for row in golden.rows[:3]] == [0, 60, 90]
    assert [row.get("x") for row in golden.rows[3:8]] == [None] * 5
    assert [row["x"] for row in golden.rows[8:]] == list(range(1, 13))
    assert golden.outputs[0] == [0.5, 0.25, 0.25]


def test_a_small_hold_out_is_kept_whole() -> None:
    golden = choose_golden(holdout([0, 1, 2]), Constant())
    assert [row["x"] for row in golden.rows] == [0, 1, 2]


def test_the_first_twenty_rows_of_an_example_are_kept() -> None:
    rows = [{"x": i} for i in range(25)]
    golden = golden_of(rows, np.zeros((25, 3)))
    assert golden.rows == rows[:20]
    assert len(golden.outputs) == 20


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({}, {"name": "onnx", "compiled": True}),
        ({"reason": "why"}, {"name": "onnx", "compiled": True, "reason": "why"}),
        ({"parity": {"rows": 3}}, {"name": "onnx", "compiled": True, "parity": {"rows": 3}}),
    ],
)
def test_what_does_not_apply_is_not_shown_of_a_runtime(given: dict, shown: dict) -> None:
    assert TrainedModel(SCHEMA, "onnx", True, {}, Golden([], []), **given).runtime == shown
