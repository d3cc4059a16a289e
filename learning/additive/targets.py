"""The default learner of classes, and that of quantities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin, clone
from sklearn.pipeline import Pipeline

from learning.additive.estimator import SKEWED, Additive
from learning.additive.grown import GrownForestPart
from learning.additive.histograms import HistogramPart
from learning.additive.losses import LINKS, Doubles, Link
from learning.additive.parts import FOREST_A, FOREST_B, ForestPart, LinearPart, Part

# Of the linear term's weights; the weaker, the more they are held near 0.
STRENGTHS = (1.0, 0.1, 0.01)
# Words are many, and each is in few rows.
STRENGTHS_OF_WORDS = (10.0, 1.0, 0.1)
ITERATIONS = 300


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

        def last(strength: float) -> Any:
            return LogisticRegression(C=strength, max_iter=ITERATIONS)

        many = {"objective": "multiclass", "num_class": self._outputs}
        return parts_of(self, many if self._outputs > 1 else {"objective": "binary"}, last, link)


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

        def last(strength: float) -> Any:
            return Ridge(alpha=1.0 / strength)

        return parts_of(self, {"objective": "regression"}, last, LINKS["identity"])

    def _brought(self, link: Link, values: NDArray[Any]) -> tuple[NDArray[Any], float, float]:
        middle = float(values.mean())
        if link.name == "exponential":
            return values / middle, middle, float(np.log(middle))
        spread = float(values.std()) or 1.0
        return (values - middle) / spread, spread, middle

    def _learnt(self, link: Link, values: NDArray[Any]) -> NDArray[Any]:
        return np.log(values) if link.name == "exponential" else values


def parts_of(
    model: Additive, objective: Mapping[str, Any], last: Callable[[float], Any], link: Link
) -> list[Part]:
    """Return the parts of a model; `last` ends the linear pipeline, `link` judges it alone."""
    seeded = {**objective, "seed": model.seed, "data_random_seed": model.seed}
    columns = set(range(model.columns)) - set(model.left_out)
    given = (seeded, sorted(columns & set(model.categories)))
    make: Callable[..., Part] = ForestPart
    if model._grower is not None:
        make = partial(GrownForestPart, grower=model._grower, bring=model._bring, kept=model._kept)
    forests = [make("forest_a", FOREST_A, *given), make("forest_b", FOREST_B, *given)]
    if model.stands_in_:
        forests = [HistogramPart(model._outputs, hasattr(model, "classes_"), model.seed)]

    def pipeline(strength: float) -> Any:
        return Pipeline([("prepare", clone(model.linear)), ("last", last(strength))])

    strengths = STRENGTHS_OF_WORDS if model.words else STRENGTHS
    linear = LinearPart(pipeline, strengths, link, model._outputs)
    return [*(forests if columns else []), linear]


def _skewness(values: NDArray[Any]) -> float:
    spread = float(values.std())
    return float(np.mean(((values - values.mean()) / spread) ** 3)) if spread else 0.0
