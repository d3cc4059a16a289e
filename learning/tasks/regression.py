"""Regression: the target is a quantity; a model answers a value."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import EquivalenceError
from learning.prediction import Outputs
from learning.task import Column, Doubles, Strata, Task, Values
from tables.quantity import QUANTITY, read_quantity
from tables.schema import Kind, Target
from tables.table import Table
from tables.target import Read

# The most that a compiled model's value may differ, in spreads of the values.
TOLERANCE = 1e-5
# Rows are parted with so many tenths of the values in proportion.
PARTS = 10
# A float32, which the trees were learnt from, has no more digits than these.
DIGITS = 9

VALUE, INTERVAL = "value", "interval"


class Predicted(NamedTuple):
    """The value predicted for one row."""

    value: float


class Prediction(NamedTuple):
    """The value of each row, and where asked for the interval that it is in."""

    values: list[float]
    intervals: list[list[float]] | None = None


class Regression(Task):
    """A quantity, by squared error."""

    name = QUANTITY
    loss_name = "squared error"

    # ------------------------------------------------------------ learning

    def read(
        self, table: Table, column: str, kind: Kind | None = None, merge_rare: str | None = None
    ) -> Read:
        """Return the target, and the number in each row that has one. Raises DatasetError."""
        return read_quantity(table, column, kind, merge_rare)

    def strata(self, values: Values) -> Strata:
        """Return the tenth of the values that each row's is in, the same for equal ones."""
        edges = np.unique(np.quantile(values, np.arange(1, PARTS) / PARTS))
        return np.searchsorted(edges, values, side="right").astype(np.intp)

    def golden(self, values: Values) -> list[int]:
        """Return the rows of the least and the largest value."""
        return [int(np.argmin(values)), int(np.argmax(values))]

    def width(self, target: Target) -> int:
        """Return 1."""
        return 1

    def check(self, estimator: Any, target: Target) -> None:
        """Raise EquivalenceError for an estimator of classes."""
        if hasattr(estimator, "predict_proba"):
            raise EquivalenceError("the estimator was fitted on classes, not on a quantity")

    def outputs(self, estimator: Any, rows: Any) -> Outputs:
        """Return the values `[n, 1]`."""
        return np.asarray(estimator.predict(rows), np.float64).reshape(-1, 1)

    def base_rate(self, values: Values, target: Target) -> Doubles:
        """Return the mean `[1, 1]`."""
        return np.array([[values.mean()]])

    def difference(self, expected: Outputs, found: Outputs) -> float:
        """Return the largest difference, in spreads of the expected values.

        Raises EquivalenceError for one of more than TOLERANCE.
        """
        if expected.shape != found.shape:
            raise EquivalenceError(f"{found.shape[1]} values a row, where 1 was expected")
        spread = float(expected.std()) or float(np.abs(expected).max()) or 1.0
        difference = float(np.abs(expected - found).max()) / spread
        if not difference <= TOLERANCE:
            raise EquivalenceError(f"a value differs by {difference:.1e} of the values' spread")
        return difference

    def bounded(self, outputs: Outputs) -> Doubles:
        """Return the outputs as they are."""
        return outputs.astype(np.float64)

    def loss(self, outputs: Outputs, values: Values, target: Target) -> float:
        """Return the mean squared error."""
        return float(self.losses(outputs, values).mean())

    def losses(self, outputs: Outputs, values: Values) -> Doubles:
        """Return the squared error of each row."""
        return np.asarray((outputs[:, 0].astype(np.float64) - values) ** 2)

    def metrics(self, outputs: Outputs, values: Values, target: Target) -> dict[str, Any]:
        """Return the metrics, in the unit of the target but for `r2`."""
        from sklearn import metrics

        found = outputs[:, 0].astype(np.float64)
        return {
            "rmse": float(metrics.root_mean_squared_error(values, found)),
            "mae": float(metrics.mean_absolute_error(values, found)),
            "r2": float(metrics.r2_score(values, found)) if len(values) > 1 else 0.0,
            "median_absolute_error": float(metrics.median_absolute_error(values, found)),
        }

    def describe(self, target: Target) -> str:
        """Return the target's name."""
        return f"{target.name}: a quantity"

    def report(self, metrics: Mapping[str, Any], target: Target) -> list[str]:
        """Return a line a number, and one of the interval."""
        plain = {name: v for name, v in metrics.items() if isinstance(v, float)}
        lines = [f"{name:<22}{value:>14.6g}" for name, value in plain.items()]
        interval = metrics.get(INTERVAL)
        if interval:
            lines.append(
                f"{interval['coverage']:.0%} of the hold-out is within its "
                f"{interval['level']:.0%} interval, {interval['mean_width']:.6g} wide in the mean"
            )
        return lines

    # ------------------------------------------------------------ serving

    def predicted(self, outputs: Outputs, target: Target) -> list[Predicted]:
        """Return the value of each row, as the model has it."""
        return [Predicted(value) for value in outputs[:, 0].tolist()]

    def predict(self, outputs: Outputs) -> Prediction:
        """Return the prediction, of as many digits as the rows had. Raises ArithmeticError."""
        values = [float(f"{value:.{DIGITS}g}") for value in outputs[:, 0].tolist()]
        if not all(map(np.isfinite, values)):
            raise ArithmeticError("the model answers no number")
        return Prediction(values)

    def within(self, prediction: Prediction, bounds: Sequence[NDArray[Any]]) -> Prediction:
        """Return the prediction with the interval of each row: lower and upper bounds `[n]`."""
        pairs = zip(*(np.asarray(side).tolist() for side in bounds), strict=True)
        rounded = [[float(f"{value:.{DIGITS}g}") for value in pair] for pair in pairs]
        return prediction._replace(intervals=rounded)

    def served(self, predictions: Sequence[Prediction]) -> tuple[Doubles, None]:
        """Return the values of all rows."""
        return np.array([[value] for each in predictions for value in each.values]), None

    def gather(self, prediction: Prediction, outputs: array[float], winners: array[int]) -> None:
        """Append the values of all rows."""
        outputs.fromlist(prediction.values)

    def part(self, prediction: Prediction, start: int, end: int) -> Prediction:
        """Return the prediction of some of its rows."""
        found = prediction.intervals
        return Prediction(prediction.values[start:end], found[start:end] if found else None)

    def columns(self, target: Target, prediction: Any = None) -> tuple[Column, ...]:
        """Return the value, and the ends of its interval if the prediction has one."""
        value = Column(VALUE, "number")
        if prediction is None or prediction.intervals is None:
            return (value,)
        return (value, Column(INTERVAL, "number", 2, ("low", "high")))

    def column(self, name: str, prediction: Prediction, target: Target) -> list[Any]:
        """Return the value of each row, or its interval."""
        return prediction.values if name == VALUE else list(prediction.intervals or ())

    def answers(
        self, prediction: Prediction, target: Target, value: str = "value"
    ) -> list[dict[str, Any]]:
        """Return the value of each row, its unit if it has one, and its interval if asked for."""
        unit = {"unit": target.unit} if target.unit else {}
        found = [{value: number, **unit} for number in prediction.values]
        for one, interval in zip(found, prediction.intervals or (), strict=False):
            one[INTERVAL] = interval
        return found

    def header(self, target: Target, prediction: Any = None) -> tuple[str, ...]:
        """Return the prediction, and the ends of its interval if it has one."""
        more = ("interval_low", "interval_high")
        return ("prediction", *(more if prediction and prediction.intervals else ()))

    def cells(self, prediction: Prediction, target: Target) -> list[Sequence[Any]]:
        """Return the value, and the ends of its interval."""
        if prediction.intervals:
            pairs = zip(prediction.values, prediction.intervals, strict=True)
            return [(value, *interval) for value, interval in pairs]
        return [(value,) for value in prediction.values]

    def answer_schema(self, target: Target, value: str = "value") -> dict[str, Any]:
        """Return the JSON Schema of one row's answer."""
        number = {"type": "number"}
        interval = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
        unit = {"unit": {"type": "string", "const": target.unit}} if target.unit else {}
        return {
            "type": "object",
            "properties": {value: number, **unit, INTERVAL: interval},
            "required": [value],
        }


task = Regression()
