"""The default learner of classes, and that of quantities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin, clone
from sklearn.pipeline import Pipeline

from learning.additive.estimator import SKEWED, Additive
from learning.additive.links import LINKS, Doubles, Link
from learning.additive.parts import FOREST_A, FOREST_B, ForestPart, LinearPart, Part


class AdditiveClassifier(ClassifierMixin, Additive):
    """Of two classes by log-odds, of more by softmax."""

    def predict_proba(self, rows: NDArray[Any]) -> Doubles:
        """Return the probabilities `[n, k]`."""
        return self.outputs(rows)

    def predict(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return the classes `[n]`."""
        found: NDArray[Any] = self.classes_[self.predict_proba(rows).argmax(axis=1)]
        return found

    def _prepare(self, values: NDArray[Any]) -> None:
        self.classes_ = np.unique(values)

    @property
    def _outputs(self) -> int:
        return 1 if len(self.classes_) == 2 else len(self.classes_)

    def _links(self, values: NDArray[Any]) -> list[Link]:
        return [LINKS["logistic" if self._outputs == 1 else "softmax"]]

    def _parts(self, link: Link) -> list[Part]:
        from sklearn.linear_model import LogisticRegression

        count = len(self.classes_)
        objective: Mapping[str, Any] = (
            {"objective": "binary"}
            if count == 2
            else {"objective": "multiclass", "num_class": count}
        )
        classifier = LogisticRegression(C=1.0, max_iter=300)
        return _parts(self, objective, classifier)


class AdditiveRegressor(RegressorMixin, Additive):
    """Of quantities: by themselves, or of positive ones that are skewed by their logarithm."""

    _outputs = 1

    def predict(self, rows: NDArray[Any]) -> Doubles:
        """Return the values `[n]`."""
        return self.outputs(rows)[:, 0]

    def _prepare(self, values: NDArray[Any]) -> None:
        pass

    def _links(self, values: NDArray[Any]) -> list[Link]:
        skewed = values.min() > 0 and _skewness(values) > SKEWED
        return [LINKS["identity"], *([LINKS["exponential"]] if skewed else [])]

    def _parts(self, link: Link) -> list[Part]:
        from sklearn.linear_model import Ridge

        return _parts(self, {"objective": "regression"}, Ridge(alpha=1.0))

    def _brought(self, link: Link, values: NDArray[Any]) -> tuple[NDArray[Any], float, float]:
        if link.name == "exponential":
            unit = float(values.mean())
            return values / unit, unit, float(np.log(unit))
        spread = float(values.std()) or 1.0
        middle = float(values.mean())
        return (values - middle) / spread, spread, middle

    def _learnt(self, link: Link, values: NDArray[Any]) -> NDArray[Any]:
        return np.log(values) if link.name == "exponential" else values


def _parts(model: Additive, objective: Mapping[str, Any], last: Any) -> list[Part]:
    columns = tuple(i for i in range(model.columns) if i not in set(model.left_out))
    seeded = {**objective, "seed": model.seed, "data_random_seed": model.seed}
    given = (seeded, tuple(model.categories), columns)
    forests = [
        ForestPart("forest_a", FOREST_A, *given),
        ForestPart("forest_b", FOREST_B, *given),
    ]

    def pipeline() -> Any:
        return Pipeline([("prepare", clone(model.linear)), ("last", clone(last))])

    return [*(forests if columns else []), LinearPart(pipeline)]


def _skewness(values: NDArray[Any]) -> float:
    spread = float(values.std())
    return float(np.mean(((values - values.mean()) / spread) ** 3)) if spread else 0.0
