"""A ready-made estimator gets the columns that it was fitted on, in its order."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from errors import ModelFileError
from learning.imports.frame import framed
from tables.schema import Feature, Schema, Target
from tests.conftest import require

SCHEMA = Schema(
    (Feature("new", "boolean"), Feature("note", "text"), Feature("age", "integer")),
    Target("y", ("a", "b")),
)
PLAIN = Schema((Feature("new", "boolean"), Feature("age", "integer")), Target("y", ("a", "b")))
# As `estimator_input` has them: numbers first, then texts.
ROWS = np.array([[1.0, 30.0, "hello"], [0.0, 31.0, ""]], dtype=object)


class Looking:
    """An estimator that keeps the rows that it is given."""

    classes_ = np.array(["a", "b"])

    def __init__(self, *names: str) -> None:
        self.rows: Any = None
        if names:
            self.feature_names_in_ = np.array(names)

    def predict_proba(self, rows: Any) -> Any:
        self.rows = rows
        return np.array([[0.25, 0.75]] * len(rows))


def test_without_names_the_columns_come_in_the_example_s_order() -> None:
    estimator = Looking()
    wrapped = framed(estimator, SCHEMA)
    assert wrapped.predict(ROWS).tolist() == [1, 1]
    assert estimator.rows.tolist() == [[1.0, "hello", 30.0], [0.0, "", 31.0]]


def test_numbers_alone_are_a_matrix_of_doubles() -> None:
    estimator = Looking()
    framed(estimator, PLAIN).predict_proba(ROWS[:, :2])
    assert estimator.rows.dtype == np.float64
    assert estimator.rows.tolist() == [[1, 30], [0, 31]]


def test_with_names_they_come_by_name_in_the_model_s_order() -> None:
    require(find_spec("pandas") is not None, "pandas", "pip install pandas")
    estimator = Looking("age", "note", "new")
    framed(estimator, SCHEMA).predict_proba(ROWS)
    assert list(estimator.rows.columns) == ["age", "note", "new"]
    assert estimator.rows["new"].tolist() == [True, False]
    assert estimator.rows["new"].dtype == bool


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("age", "note", "new", "more"), "reads a column more"),
        (("age", "note"), "the example has a column new"),
    ],
)
def test_other_columns_are_refused_by_name(names: tuple[str, ...], said: str) -> None:
    with pytest.raises(ModelFileError, match=said):
        framed(Looking(*names), SCHEMA)


def test_another_number_of_columns_is_refused() -> None:
    estimator = Looking()
    estimator.n_features_in_ = 5  # type: ignore[attr-defined]
    with pytest.raises(ModelFileError, match="reads 5 columns; the example has 3"):
        framed(estimator, SCHEMA)
