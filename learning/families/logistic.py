"""Weighted sums of columns and words: of classes through the logistic function."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from learning.family import Columns, Family, linear_importances
from learning.forms.additive import Additive, Term
from learning.forms.sources import CannotFold, Columned, Linear
from learning.forms.trees import Forest
from learning.preparation import pipeline, prepare
from tables.schema import Schema

Strength = Annotated[float, Meta(gt=0, le=1e6)]
# A sum is kept within no bounds.
LARGEST = float(np.finfo(np.float64).max)
Iterations = Annotated[int, Meta(ge=1, le=100_000)]


def logistic(schema: Schema, seed: int, *, C: Strength = 1.0, max_iter: Iterations = 1000) -> Any:
    """Return a logistic regression behind one-hot columns, median imputation and scaling.

    Of a quantity it is ridge regression, which weighs as strongly.
    """
    from sklearn.linear_model import LogisticRegression, Ridge

    if schema.target.classes:
        model: Any = LogisticRegression(C=C, max_iter=max_iter, random_state=seed)
    else:
        model = Ridge(alpha=1.0 / C, random_state=seed)
    return pipeline(prepare(schema, scaled=True), model)


class LogisticFamily(Family):
    """Logistic regressions."""

    name = "logistic"
    rank = 3
    make = staticmethod(logistic)

    def classes(self) -> tuple[type, ...]:
        """Return scikit-learn's classes."""
        from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

        return (LogisticRegression, Ridge, LinearRegression)

    def importances(self, model: Any, rows: Any) -> Columns:
        """Return each coefficient's size times the spread of its column."""
        return linear_importances(model, rows)

    def fold(self, given: Columned, outputs: int) -> Any:
        """Return the weights; one output is that of the second of two classes."""
        model = given.model
        if not hasattr(model, "classes_"):
            return _quantity(given)
        if list(model.classes_) != list(range(outputs)):
            raise CannotFold("LogisticRegression was not fitted on all classes")
        if outputs > 2 and model.solver == "liblinear":
            raise CannotFold("LogisticRegression is one against the rest")
        return Linear(given.sources, model.coef_.tolist(), model.intercept_.tolist())


def _quantity(given: Columned) -> Additive:
    weights, intercepts = np.atleast_2d(given.model.coef_), np.atleast_1d(given.model.intercept_)
    linear = Linear(given.sources, weights.tolist(), intercepts.tolist())
    forest = Forest((), given.columns, 1, "identity")
    return Additive(forest, Term(linear, (1.0,), (-LARGEST,), (LARGEST,)))


family = LogisticFamily()
