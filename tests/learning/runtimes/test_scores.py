from __future__ import annotations

import threading

import numpy as np
import pytest

from learning.runtimes import scores
from learning.runtimes.columns import Columns
from learning.runtimes.scores import LinearModel, LinearScorer

NAN = float("nan")
# 2x + 3 unless the second feature's code is 2, + 1; a missing x is 0.5.
MODEL = LinearModel(Columns((0, 1), (2,), (0.5, 1.0)), ((2.0, 3.0),), (1.0,))
ROWS = np.array([[1, 2], [NAN, 1], [0, 5], [-4, -1]], np.float32)
EXPECTED = [3.0, 5.0, 4.0, -4.0]


def test_rows_are_scored_alike_together_alone_and_in_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scorer = LinearScorer(MODEL)
    assert scorer.rows(ROWS)[:, 0].tolist() == EXPECTED
    assert [scorer.row(ROWS[i : i + 1])[0] for i in range(4)] == EXPECTED
    monkeypatch.setattr(scores, "CHUNK_NUMBERS", 3)
    assert scorer.rows(ROWS)[:, 0].tolist() == EXPECTED


def test_no_rows_have_no_scores() -> None:
    assert LinearScorer(MODEL).rows(ROWS[:0]).shape == (0, 1)


def test_a_sum_is_made_in_double_precision() -> None:
    # In float32 the 1 would be lost beside 2^24.
    model = LinearModel(Columns((0, 1), (), (0.0, 0.0)), ((1.0, 1.0),), (0.0,))
    row = np.array([[2.0**24, 1.0]], np.float32)
    assert LinearScorer(model).row(row) == [2.0**24 + 1]
    assert LinearScorer(model).rows(row).tolist() == [[2.0**24 + 1]]


def test_threads_do_not_share_a_row() -> None:
    scorer = LinearScorer(MODEL)
    wrong: list[float] = []

    def ask(index: int) -> None:
        row = ROWS[index : index + 1]
        wrong.extend(s for _ in range(500) if (s := scorer.row(row)[0]) != EXPECTED[index])

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
