"""Regression: metrics that can be counted by hand, answers as the protocols render them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from errors import DatasetError, EquivalenceError
from learning.tasks import read_target
from learning.tasks.regression import TOLERANCE, task
from tables.schema import Target
from tables.table import Table

TARGET = Target("price", (), "regression")


def column(*values: float) -> NDArray[np.float64]:
    """Return outputs, one a row."""
    return np.array(values, np.float64).reshape(-1, 1)


def test_metrics() -> None:
    """Errors of 0, 0, 1 and 3."""
    found = task.metrics(column(1, 2, 4, 1), np.array([1.0, 2.0, 3.0, 4.0]), TARGET)

    assert found["rmse"] == pytest.approx((10 / 4) ** 0.5)
    assert found["mae"] == 1.0
    assert found["median_absolute_error"] == 0.5
    assert found["r2"] == pytest.approx(1 - 10 / 5)


def test_loss_is_squared_error() -> None:
    """Row by row, and in the mean."""
    values = np.array([0.0, 1.0])
    assert task.losses(column(2, 1), values).tolist() == [4.0, 0.0]
    assert task.loss(column(2, 1), values, TARGET) == 2.0


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_difference_is_relative_to_the_spread(scale: float) -> None:
    """The same model in another unit is proven or refused alike."""
    assert TOLERANCE == 1e-5
    expected = column(0, 1, 2, 3) * scale
    spread = float(expected.std())

    assert task.difference(expected, expected + 0.9e-5 * spread) == pytest.approx(0.9e-5)
    with pytest.raises(EquivalenceError, match="differs"):
        task.difference(expected, expected + 1.1e-5 * spread)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_no_number_is_neither_proven_nor_served(bad: float) -> None:
    """NaN and infinity are an error by name."""
    with pytest.raises(EquivalenceError):
        task.difference(column(0, 1), column(0, bad))
    with pytest.raises(ArithmeticError, match="no number"):
        task.predict(column(1, bad))


def test_answers() -> None:
    """A value a row; its unit if the target has one; its interval if asked for."""
    prediction = task.predict(column(231.5, 1 / 3))
    assert task.answers(prediction, TARGET) == [{"value": 231.5}, {"value": 0.333333333}]

    within = task.within(prediction, (np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    unit = Target("price", (), "regression", "kUSD")
    first: dict[str, Any] = task.answers(within, unit)[0]
    assert first == {"value": 231.5, "unit": "kUSD", "interval": [1.0, 3.0]}
    assert task.part(within, 1, 2).intervals == [[2.0, 4.0]]
    assert task.cells(within, unit)[1] == (0.333333333, 2.0, 4.0)


def test_strata_hold_equal_values_together() -> None:
    """Tenths of the values; a value that is half of all is in one of them."""
    values = np.array([0.0] * 50 + list(range(1, 51)))
    strata = task.strata(values)
    assert len(set(strata[:50].tolist())) == 1
    assert len(np.unique(task.strata(np.arange(100.0)))) == 10


@pytest.mark.parametrize("cell", ["inf", "1e300", "many"])
def test_few_cells_that_are_no_numbers_are_named(cell: str) -> None:
    """They make no classes of all the others: the line says the row."""
    table = Table({"y": [*(f"{i}.5" for i in range(60)), cell]})
    with pytest.raises(DatasetError, match="row 61") as refused:
        read_target(None)(table, "y", None, None)
    assert "classes have fewer" not in str(refused.value)


def test_several_predictions_are_served_in_one() -> None:
    outputs, winners = task.served(
        [task.predict(np.array([[1.5], [2.0]])), task.predict(np.array([[3.0]]))]
    )
    assert outputs.tolist() == [[1.5], [2.0], [3.0]]
    assert winners is None
