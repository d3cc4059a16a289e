"""Logistic regression: a weighted sum of columns, and of words, through the logistic function."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from learning.family import Columns, Family, linear_importances
from learning.forms.sources import CannotFold, Columned, Linear
from learning.preparation import pipeline, prepare
from tables.schema import Schema

Strength = Annotated[float, Meta(gt=0, le=1e6)]
Iterations = Annotated[int, Meta(ge=1, le=100_000)]


def logistic(schema: Schema, seed: int, *, C: Strength = 1.0, max_iter: Iterations = 1000) -> Any:
    """Return a logistic regression behind one-hot columns, median imputation and scaling."""
    from sklearn.linear_model import LogisticRegression

    classifier = LogisticRegression(C=C, max_iter=max_iter, random_state=seed)
    return pipeline(prepare(schema, scaled=True), classifier)


class LogisticFamily(Family):
    """Logistic regressions."""

    name = "logistic"
    rank = 3
    make = staticmethod(logistic)

    def classes(self) -> tuple[type, ...]:
        """Return scikit-learn's class."""
        from sklearn.linear_model import LogisticRegression

        return (LogisticRegression,)

    def importances(self, model: Any, rows: Any) -> Columns:
        """Return each coefficient's size times the spread of its column."""
        return linear_importances(model, rows)

    def fold(self, given: Columned, outputs: int) -> Linear:
        """Return the weights; one output is that of the second of two classes."""
        model = given.model
        if list(model.classes_) != list(range(outputs)):
            raise CannotFold("LogisticRegression was not fitted on all classes")
        if outputs > 2 and model.solver == "liblinear":
            raise CannotFold("LogisticRegression is one against the rest")
        return Linear(given.sources, model.coef_.tolist(), model.intercept_.tolist())


family = LogisticFamily()
