from typing import Any

import numpy as np

from scoring.coherence import FEWEST_ROWS, Coherence, important_columns
from tests.serving.factory import SIGNATURE


def matrix(rows: int = 4096) -> np.ndarray:
    generator = np.random.default_rng(0)
    found = generator.normal(size=(rows, 3)).astype(np.float32)
    found[generator.random((rows, 3)) < 0.1] = np.nan
    return found


def test_every_row_stands_once_in_the_order():
    order = Coherence([2, 0, 1]).order(matrix())
    assert order is not None
    assert sorted(order) == list(range(4096))


def test_rows_of_one_part_of_the_first_column_stand_together():
    rows = matrix()
    order = Coherence([2, 0, 1]).order(rows)
    first = np.nan_to_num(rows[order][:, 2], nan=-np.inf)
    edges = np.quantile(first, np.linspace(0, 1, 9)[1:-1], method="nearest").astype(np.float32)
    assert (np.diff(np.searchsorted(edges, first, side="right")) >= 0).all()


def test_few_rows_and_no_columns_are_not_ordered():
    assert Coherence([0]).order(matrix(FEWEST_ROWS - 1)) is None
    assert Coherence([]).order(matrix()) is None


def test_the_most_important_features_come_first():
    info: dict[str, Any] = {"feature_importances": {"home": 0.7, "age": 0.2, "income": 0.1}}
    assert important_columns(SIGNATURE, info) == [2, 0, 1, 3]
    info = {"permutation_importances": {"records": {"mean": 0.5, "std": 0.1}}}
    assert important_columns(SIGNATURE, info) == [3, 0, 1, 2]
