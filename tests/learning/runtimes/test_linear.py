from __future__ import annotations

import msgspec
import numpy as np
import pytest

from learning.links import probabilities_of
from learning.runtimes import linear
from learning.runtimes.columns import Columns
from learning.runtimes.scores import LinearModel
from tables.batch import Batch

NAN = float("nan")
MODEL = LinearModel(
    Columns(take=(0, 1, 1), codes=(2, None), fill=(0.5, 1.0, 0.0)),
    weights=((2.0, 3.0, 5.0), (0.0, 0.0, 0.1)),
    intercepts=(1.0, -1.0),
)
ROWS = Batch(np.array([[1, 2], [NAN, 1], [0, NAN], [4, -1]], np.float32))
# 2x, + 3 unless the code is 2, + 5 unless there is none, + 1.
SCORES = np.array([[8, -0.9], [10, -0.9], [4, -1], [17, -0.9]])


def test_rows_are_scored_together_and_alone() -> None:
    runtime = linear.load(linear.dump(MODEL))
    wanted = probabilities_of(SCORES)
    assert runtime.outputs(ROWS) == pytest.approx(wanted)
    for index in range(4):
        alone = runtime.outputs(Batch(ROWS.matrix[index : index + 1]))
        assert alone == pytest.approx(wanted[index : index + 1])


def test_many_rows_are_scored_piece_by_piece() -> None:
    runtime = linear.load(linear.dump(MODEL))
    many = Batch(np.tile(ROWS.matrix, (50_000, 1)))
    assert runtime.outputs(many) == pytest.approx(probabilities_of(np.tile(SCORES, (50_000, 1))))
    assert runtime.outputs(Batch(np.empty((0, 2), np.float32))).shape == (0, 2)


def test_the_member_is_json() -> None:
    (member,) = linear.dump(MODEL).values()
    assert msgspec.json.decode(member)["intercepts"] == [1.0, -1.0]
