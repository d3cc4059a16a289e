"""Classification: the target is one of some classes; a model answers the probability of each."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import EquivalenceError
from learning.prediction import Outputs
from learning.task import Column, Doubles, Strata, Task, Values
from tables.json_schema import choice
from tables.schema import Class, Kind, Target
from tables.table import Table
from tables.target import Read, read_classes

# The most that a compiled model's probability may differ; no class may.
TOLERANCE = 1e-5
# Probabilities are served as 32-bit floats: none is nearer to 0 or 1 than those can tell.
# Without it, a forest's rare 0 for what did happen would outweigh every other row.
SMALLEST = float(np.finfo(np.float32).eps)
# A float32 has no more digits than these behind the point of a probability.
DECIMALS = 7
SCALE = 10.0**DECIMALS
# A served probability is no nearer to 0 or 1 than its last digit can tell.
LEAST = 1 / SCALE
# Deciles of the predicted probability, of which the calibration is shown.
BINS = 10

# Reports list so many classes.
MOST_LISTED = 20

VALUE, PROBABILITIES = "label", "probabilities"


class Predicted(NamedTuple):
    """The class predicted for one row, its probability, and those of all classes by name."""

    value: Class
    probability: float
    probabilities: dict[str, float]


class Prediction(NamedTuple):
    """Class probabilities `[n, k]` in the target's order, and the index of each row's class."""

    probabilities: list[list[float]]
    winners: list[int]


class Classification(Task):
    """Of two classes or more; their probabilities add up to 1 in each row."""

    name = "classification"
    loss_name = "log loss"

    # ------------------------------------------------------------ learning

    def read(
        self, table: Table, column: str, kind: Kind | None = None, merge_rare: str | None = None
    ) -> Read:
        """Return the target with its classes, and the index of each row's. Raises DatasetError."""
        return read_classes(table, column, kind, merge_rare)

    def strata(self, values: Values) -> Strata:
        """Return the classes."""
        return values

    def golden(self, values: Values) -> list[int]:
        """Return the first row of each class."""
        return [int(np.flatnonzero(values == index)[0]) for index in np.unique(values)]

    def width(self, target: Target) -> int:
        """Return the number of classes."""
        return len(target.classes)

    def check(self, estimator: Any, target: Target) -> None:
        """Raise EquivalenceError for an estimator that was fitted on other classes."""
        known, needed = list(estimator.classes_), len(target.classes)
        if known != list(range(needed)):
            raise EquivalenceError(f"the estimator was fitted on {len(known)} of {needed} classes")

    def outputs(self, estimator: Any, rows: Any) -> Outputs:
        """Return the probabilities `[n, k]`."""
        probabilities: Outputs = estimator.predict_proba(rows)
        return probabilities

    def difference(self, expected: Outputs, found: Outputs) -> float:
        """Return the largest difference of a probability.

        Raises EquivalenceError when a class differs, or a probability by more than TOLERANCE.
        """
        if expected.shape != found.shape:
            raise EquivalenceError(
                f"{found.shape[1]} probabilities a row, where {expected.shape[1]} were expected"
            )
        labels = int((expected.argmax(axis=1) != found.argmax(axis=1)).sum())
        difference = float(np.abs(expected - found).max())
        if not difference <= TOLERANCE:
            raise EquivalenceError(f"a probability differs by {difference:.1e}")
        if labels:
            raise EquivalenceError(f"{labels} of {len(expected)} labels differ")
        return difference

    def bounded(self, outputs: Outputs) -> Doubles:
        """Return probabilities that add up to 1 in each row, none of them 0 or 1."""
        clipped = np.clip(outputs.astype(np.float64), SMALLEST, 1 - SMALLEST)
        sure: Doubles = clipped / clipped.sum(axis=1, keepdims=True)
        return sure

    def base_rate(self, values: Values, target: Target) -> Doubles:
        """Return the share of each class."""
        shares: Doubles = np.bincount(values, minlength=len(target.classes)) / len(values)
        return shares[np.newaxis]

    def loss(self, outputs: Outputs, values: Values, target: Target) -> float:
        """Return the log loss."""
        from sklearn.metrics import log_loss

        return float(log_loss(values, outputs, labels=range(len(target.classes))))

    def losses(self, outputs: Outputs, values: Values) -> Doubles:
        """Return the log loss of each row, its probabilities bounded."""
        losses: Doubles = -np.log(self.bounded(outputs)[np.arange(len(values)), values])
        return losses

    def metrics(self, outputs: Outputs, values: Values, target: Target) -> dict[str, Any]:
        """Return the metrics of probabilities `[n, k]`.

        Of two classes the second is the positive one. Of more, ROC AUC is the mean
        of each class against the rest, F1 the mean over classes, and the Brier score
        the mean squared distance summed over classes (0 to 2). The rows of the
        confusion matrix are true classes, its columns predicted ones.
        """
        from sklearn import metrics

        sure = self.bounded(outputs)
        predicted = sure.argmax(axis=1)
        indices = range(len(target.classes))
        average = "binary" if len(target.classes) == 2 else "macro"
        f1 = metrics.f1_score(values, predicted, average=average, zero_division=0.0)
        return {
            "roc_auc": _roc_auc(values, sure),
            "log_loss": self.loss(sure, values, target),
            "brier_score": _brier_score(values, sure),
            "accuracy": float(metrics.accuracy_score(values, predicted)),
            "balanced_accuracy": float(metrics.balanced_accuracy_score(values, predicted)),
            "f1": float(f1),
            "confusion_matrix": metrics.confusion_matrix(
                values, predicted, labels=indices
            ).tolist(),
            "expected_calibration_error": expected_calibration_error(sure, values),
            "calibration": calibration(sure, values),
        }

    def describe(self, target: Target) -> str:
        """Return the target's name and its classes, of many the first."""
        more = len(target.keys) - MOST_LISTED
        listed = ", ".join(target.keys[:MOST_LISTED])
        return f"{target.name}: {listed}" + (f" and {more} more" if more > 0 else "")

    def report(self, metrics: Mapping[str, Any], target: Target) -> list[str]:
        """Return a line a number, and the confusion matrix where a screen holds it."""
        plain = {name: v for name, v in metrics.items() if isinstance(v, float)}
        longest = max(map(len, plain), default=0) + 1
        lines = [f"{name:<{longest}}{value:>8.4f}" for name, value in plain.items()]
        if len(target.keys) > MOST_LISTED:
            return lines
        lines += ["", "true class, and how often each was predicted"]
        width = max(map(len, target.keys)) + 2
        for key, counts in zip(target.keys, metrics["confusion_matrix"], strict=True):
            lines.append(f"{key:<{width}}" + "".join(f"{count:>8}" for count in counts))
        return lines

    # ------------------------------------------------------------ serving

    def predicted(self, outputs: Outputs, target: Target) -> list[Predicted]:
        """Return the class of each row with its probabilities, as the model has them."""
        keys, classes, found = target.keys, target.classes, []
        for row in outputs.tolist():
            winner = row.index(max(row))
            named = dict(zip(keys, row, strict=True))
            found.append(Predicted(classes[winner], row[winner], named))
        return found

    def predict(self, outputs: Outputs) -> Prediction:
        """Return the prediction; probabilities are rounded to 1e-7, and none is 0 or 1."""
        if len(outputs) == 1 and min(found := outputs[0].tolist()) >= LEAST:
            # For one row plain floats are quicker; the arithmetic is that of np.round.
            row = [min(round(p * SCALE) / SCALE, 1 - LEAST) for p in found]
            return Prediction([row], [int(outputs[0].argmax())])
        winners = outputs.argmax(axis=1)
        return Prediction(_served(outputs, winners).tolist(), winners.tolist())

    def served(self, predictions: Sequence[Prediction]) -> tuple[Doubles, list[int]]:
        """Return the probabilities of all rows, and the index of the class of each."""
        rows = list(chain.from_iterable([each.probabilities for each in predictions]))
        values = np.fromiter(chain.from_iterable(rows), np.float64)
        winners = list(chain.from_iterable([each.winners for each in predictions]))
        return values.reshape(len(rows), -1), winners

    def gather(self, prediction: Prediction, outputs: array[float], winners: array[int]) -> None:
        """Append the probabilities of all rows, and the index of the class of each."""
        for row in prediction.probabilities:
            outputs.fromlist(row)
        winners.fromlist(prediction.winners)

    def rounded(self, outputs: Outputs) -> tuple[Doubles, NDArray[np.intp]]:
        """Return the probabilities as they are served, and the index of each row's class."""
        winners = outputs.argmax(axis=1)
        return _served(outputs, winners), winners

    def part(self, prediction: Prediction, start: int, end: int) -> Prediction:
        """Return the prediction of some of its rows."""
        return Prediction(prediction.probabilities[start:end], prediction.winners[start:end])

    def columns(self, target: Target, prediction: Any = None) -> tuple[Column, ...]:
        """Return the class, and the probabilities of all."""
        classes = Column(VALUE, _kind(target))
        return (classes, Column(PROBABILITIES, "number", len(target.classes), target.keys))

    def column(self, name: str, prediction: Prediction, target: Target) -> list[Any]:
        """Return the class of each row, or its probabilities."""
        if name == PROBABILITIES:
            return prediction.probabilities
        return [target.classes[winner] for winner in prediction.winners]

    def answers(
        self, prediction: Prediction, target: Target, value: str = "value"
    ) -> list[dict[str, Any]]:
        """Return the class of each row, its probability, and those of all classes by name."""
        keys, classes = target.keys, target.classes
        return [
            {
                value: classes[winner],
                "probability": row[winner],
                "probabilities": dict(zip(keys, row, strict=True)),
            }
            for row, winner in zip(prediction.probabilities, prediction.winners, strict=True)
        ]

    def header(self, target: Target, prediction: Any = None) -> tuple[str, ...]:
        """Return the prediction, its probability, and that of each class."""
        return ("prediction", "probability", *(f"probability_{key}" for key in target.keys))

    def cells(self, prediction: Prediction, target: Target) -> list[Sequence[Any]]:
        """Return the class's name, its probability, and those of all classes."""
        keys = target.keys
        return [
            (keys[winner], row[winner], *row)
            for row, winner in zip(prediction.probabilities, prediction.winners, strict=True)
        ]

    def answer_schema(self, target: Target, value: str = "value") -> dict[str, Any]:
        """Return the JSON Schema of one row's answer."""
        probability = {"type": "number", "minimum": 0, "maximum": 1}
        return {
            "type": "object",
            "properties": {
                value: choice(target.classes),
                "probability": probability,
                "probabilities": {"type": "object", "additionalProperties": probability},
            },
            "required": [value, "probability", "probabilities"],
        }


def calibration(sure: Doubles, values: NDArray[np.intp]) -> list[dict[str, float]]:
    """Return, by decile of the predicted probability, what was predicted and what came true.

    Of two classes it is the second one's probability; of more, that of the
    predicted class, and whether the prediction was right.
    """
    predicted, happened = _foretold(sure, values)
    order = np.argsort(predicted, kind="stable")
    return [
        {
            "count": len(members),
            "mean_predicted": float(predicted[members].mean()),
            "fraction_observed": float(happened[members].mean()),
        }
        for members in np.array_split(order, min(BINS, len(order)))
    ]


def expected_calibration_error(sure: Doubles, values: NDArray[np.intp]) -> float:
    """Return how far a probability is on average from the share of rows that it came true for.

    Probabilities are those of `calibration`, in ten bins between their deciles, those that
    are equal in one; each bin counts by its rows. Naeini, Cooper and Hauskrecht, Obtaining
    Well Calibrated Probabilities Using Bayesian Binning (AAAI 2015); bins of equal size:
    Nguyen and O'Connor, Posterior Calibration and Exploratory Analysis for Natural
    Language Processing Models (EMNLP 2015).
    """
    predicted, happened = _foretold(sure, values)
    edges = np.unique(np.quantile(predicted, np.arange(1, BINS) / BINS))
    gaps = np.bincount(np.searchsorted(edges, predicted, side="right"), predicted - happened)
    return float(np.abs(gaps).sum() / len(values))


def _foretold(sure: Doubles, values: NDArray[np.intp]) -> tuple[Doubles, NDArray[np.bool_]]:
    """Return the probability of something in each row, and whether it came true."""
    if sure.shape[1] == 2:
        return sure[:, 1], values == 1
    return sure.max(axis=1), sure.argmax(axis=1) == values


def _served(outputs: Outputs, winners: NDArray[np.intp]) -> Doubles:
    """Return probabilities as they are served; what raises the least is taken from the largest."""
    exact = outputs.astype(np.float64)
    raised = np.maximum(exact, LEAST)
    raised[np.arange(len(raised)), winners] -= (raised - exact).sum(axis=1)
    served: Doubles = np.minimum(np.round(raised, DECIMALS), 1 - LEAST)
    return served


def _roc_auc(values: Values, sure: Doubles) -> float:
    from sklearn.metrics import roc_auc_score

    if sure.shape[1] == 2:
        return float(roc_auc_score(values, sure[:, 1]))
    # A class that no row of the hold-out has cannot be told from the rest.
    found = np.unique(values)
    return float(np.mean([roc_auc_score(values == index, sure[:, index]) for index in found]))


def _brier_score(values: Values, sure: Doubles) -> float:
    from sklearn.metrics import brier_score_loss

    if sure.shape[1] == 2:
        return float(brier_score_loss(values, sure[:, 1]))
    return float(brier_score_loss(values, sure, labels=range(sure.shape[1])))


def _kind(target: Target) -> Literal["boolean", "integer", "text"]:
    if all(isinstance(value, bool) for value in target.classes):
        return "boolean"
    return "integer" if all(isinstance(value, int) for value in target.classes) else "text"


task = Classification()
