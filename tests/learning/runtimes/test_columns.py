from __future__ import annotations

import numpy as np
import pytest

from learning.runtimes.columns import HALF, Columns, Shaper

NAN = float("nan")
COLUMNS = Columns(take=(2, 0, 1, 1, 1), codes=(0, 3, None), fill=(7.0, None, 0.0, 1.0, 0.0))
MATRIX = np.array([[1, 0, 5], [NAN, 3, NAN], [2, -1, 4], [2, NAN, 4], [0, 7, 3e38]], np.float32)


def one_by_one(shaper: Shaper, matrix: np.ndarray) -> np.ndarray:
    out = np.zeros(shaper.width, np.float32)
    write = shaper.row_writer(out)
    made = []
    for index in range(len(matrix)):
        write(matrix[index : index + 1])
        made.append(out.copy())
    return np.array(made)


@pytest.mark.parametrize("how", ["rows", "row"])
def test_features_are_taken_filled_and_asked(how: str) -> None:
    shaper = Shaper(COLUMNS)
    made = shaper.rows(MATRIX) if how == "rows" else one_by_one(shaper, MATRIX)
    wanted = np.array([[5, 1], [7, NAN], [4, 2], [4, 2], [3e38, 0]], np.float32)
    assert np.array_equal(made[:, :2], wanted, equal_nan=True)
    # Which rows meet: code 0, or missing where the fill says so; code 3; no value.
    met = [[True, False, False], [False, True, False], [False] * 3, [True, False, True]]
    assert (made[:4, 2:] < HALF).tolist() == met
    assert not (made[4, 2:] < 1).any()


@pytest.mark.parametrize("how", ["rows", "row"])
def test_a_mirror_holds_every_column_negated(how: str) -> None:
    shaper = Shaper(Columns(COLUMNS.take, COLUMNS.codes, (7.0, 8.0, 0.0, 1.0, 0.0), mirrored=True))
    made = shaper.rows(MATRIX) if how == "rows" else one_by_one(shaper, MATRIX)
    assert made.shape == (5, 10)
    assert np.array_equal(made[:, 5:], -made[:, :5])


def test_no_rows_make_no_rows() -> None:
    assert Shaper(COLUMNS).rows(np.empty((0, 3), np.float32)).shape == (0, 5)
