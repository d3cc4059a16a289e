"""What a task says of itself: all that is known of what a model predicts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from learning.prediction import Outputs
from tables.schema import Kind, Target
from tables.table import Table
from tables.target import Read

Values = NDArray[Any]
Strata = NDArray[np.intp]
Doubles = NDArray[np.float64]


class Column(NamedTuple):
    """One column of the answers, as protocols of columns, tensors and fields render it.

    `width` is how many values a row has in it, None where it is one and no list;
    `names` are theirs.
    """

    name: str
    kind: Literal["boolean", "integer", "number", "text"]
    width: int | None = None
    names: tuple[str, ...] = ()


class Task(ABC):
    """A task; a file of `learning/tasks` says all of one, as its `task`.

    `name` is what a recipe and a schema's target call it; `loss_name` is the
    loss by which models are chosen and compared. Values are a dataset's: one a
    row, an array `[n]`. Outputs are a runtime's, `[n, width]`. A prediction is
    what `predict` makes of them, for all that follows. scikit-learn is imported
    by what only training asks, since the web process asks the rest.
    """

    name: str
    loss_name: str

    # ------------------------------------------------------------ learning

    @abstractmethod
    def read(
        self, table: Table, column: str, kind: Kind | None = None, merge_rare: str | None = None
    ) -> Read:
        """Return the target and its value in each row, all of which have a cell in the column.

        `kind` says what the column is to be read as, and `merge_rare` what to call
        what has too few rows taken together, where the task knows such. Raises DatasetError.
        """

    @abstractmethod
    def strata(self, values: Values) -> Strata:
        """Return the group of each row; hold-out, sample and folds have all in proportion."""

    @abstractmethod
    def golden(self, values: Values) -> list[int]:
        """Return the indices of rows that an artifact's golden rows must have among them."""

    @abstractmethod
    def width(self, target: Target) -> int:
        """Return how many outputs a model has for a row."""

    @abstractmethod
    def check(self, estimator: Any, target: Target) -> None:
        """Raise EquivalenceError for a fitted estimator that does not know the target."""

    @abstractmethod
    def outputs(self, estimator: Any, rows: Any) -> Outputs:
        """Return a fitted estimator's outputs."""

    @abstractmethod
    def difference(self, expected: Outputs, found: Outputs) -> float:
        """Return the largest difference between outputs of a model and of its compiled form.

        Raises EquivalenceError where they do not answer the same.
        """

    @abstractmethod
    def bounded(self, outputs: Outputs) -> Doubles:
        """Return the outputs as they are judged, within what an answer can tell."""

    def base_rate(self, values: Values, target: Target) -> Doubles:
        """Return the outputs `[1, width]` of who looks at no feature: the mean of the values."""
        return np.full((1, self.width(target)), float(np.mean(values)))

    @abstractmethod
    def loss(self, outputs: Outputs, values: Values, target: Target) -> float:
        """Return the mean loss of outputs; less is better."""

    @abstractmethod
    def losses(self, outputs: Outputs, values: Values) -> Doubles:
        """Return the loss of each row `[n]`, by which a challenger is compared."""

    @abstractmethod
    def metrics(self, outputs: Outputs, values: Values, target: Target) -> dict[str, Any]:
        """Return the metrics, JSON-ready."""

    @abstractmethod
    def describe(self, target: Target) -> str:
        """Return the target in one line."""

    @abstractmethod
    def report(self, metrics: Mapping[str, Any], target: Target) -> list[str]:
        """Return the metrics as lines that people read."""

    # ------------------------------------------------------------ serving

    @abstractmethod
    def predicted(self, outputs: Outputs, target: Target) -> list[Any]:
        """Return a tuple a row, with its `value` first: what scripts and notebooks get."""

    @abstractmethod
    def predict(self, outputs: Outputs) -> Any:
        """Return the prediction: outputs rounded to what is served."""

    def within(self, prediction: Any, bounds: Any) -> Any:
        """Return the prediction with the interval of each row; only quantities have such."""
        raise NotImplementedError

    @abstractmethod
    def served(self, predictions: Sequence[Any]) -> tuple[Doubles, Sequence[int] | None]:
        """Return what predictions say, in one: outputs `[n, width]` as they were served.

        Beside them the index of each row's class, None where there are no classes.
        """

    def gather(self, prediction: Any, outputs: array[float], winners: array[int]) -> None:
        """Append what `served` says of one prediction, a row after another.

        It is called for every request that is logged: tasks have quicker ways.
        """
        said, classes = self.served([prediction])
        outputs.extend(said.ravel().tolist())
        winners.extend(classes or ())

    def rounded(self, outputs: Outputs) -> tuple[Doubles, Sequence[int] | NDArray[np.intp] | None]:
        """Return what `served` does, of outputs that are not predicted yet."""
        return self.served([self.predict(outputs)])

    @abstractmethod
    def part(self, prediction: Any, start: int, end: int) -> Any:
        """Return the prediction of some of its rows, from `start` up to `end`."""

    @abstractmethod
    def columns(self, target: Target, prediction: Any = None) -> tuple[Column, ...]:
        """Return the columns of an answer, the value's first; those of a prediction if given."""

    @abstractmethod
    def column(self, name: str, prediction: Any, target: Target) -> list[Any]:
        """Return what stands in a column, a value or a list of values a row."""

    @abstractmethod
    def answers(
        self, prediction: Any, target: Target, value: str = "value"
    ) -> list[dict[str, Any]]:
        """Return an object a row; `value` is the name that it gives the predicted value."""

    @abstractmethod
    def header(self, target: Target, prediction: Any = None) -> tuple[str, ...]:
        """Return the names of a CSV answer's columns, those of a prediction if it is given."""

    @abstractmethod
    def cells(self, prediction: Any, target: Target) -> list[Sequence[Any]]:
        """Return a CSV answer's cells, row by row."""

    @abstractmethod
    def answer_schema(self, target: Target, value: str = "value") -> dict[str, Any]:
        """Return the JSON Schema of one row's object in `answers`."""
