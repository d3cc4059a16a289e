"""The default learner: two forests of small trees and a linear term, added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from learning.family import Columns, Family
from learning.forms.additive import Additive as Form
from learning.forms.additive import Term
from learning.forms.sources import CannotFold, Columned, Linear, Number, sources
from learning.forms.trees import Forest, Node
from learning.preparation import prepare, waves
from learning.progress import Progress
from tables.schema import Schema
from tables.split import Fold

Seconds = Annotated[int, Meta(ge=1, le=86_400)]


def additive(schema: Schema, seed: int, *, seconds: Seconds = 60) -> Any:
    """Return the default learner of the schema's target, learnt within so many seconds."""
    from learning.additive.targets import AdditiveClassifier, AdditiveRegressor

    numeric = schema.numeric
    kind = AdditiveClassifier if schema.target.classes else AdditiveRegressor
    return kind(
        columns=len(numeric),
        categories=[i for i, column in enumerate(numeric) if column.kind == "category"],
        left_out=sorted(waves(schema)),
        linear=prepare(schema, scaled=True),
        words=bool(schema.texts),
        seconds=seconds,
        seed=seed,
    )


class AdditiveFamily(Family):
    """The default learner."""

    name = "additive"
    folds = 5
    trusted = frozenset(
        {
            "learning.additive.targets.AdditiveClassifier",
            "learning.additive.targets.AdditiveRegressor",
        }
    )
    make = staticmethod(additive)

    def classes(self) -> tuple[type, ...]:
        """Return this project's own classes."""
        from learning.additive.estimator import Additive

        return (Additive,)

    def fit_folded(
        self, model: Any, rows: Any, target: NDArray[Any], folds: Sequence[Fold], progress: Progress
    ) -> None:
        """Fit, and say how far it is."""
        model.learn(rows, target, progress, folds)

    def losses(self, model: Any) -> dict[str, float]:
        """Return the loss of each part, of their pool, and of the base rate."""
        return dict(model.losses_)

    def size(self, model: Any) -> dict[str, int]:
        """Return how many trees there are, and the deepest's depth."""
        from learning.forms import lightgbm

        texts = [lightgbm.read(part) for part in model.parts_.values() if isinstance(part, str)]
        if not texts:
            return {}
        return {"num_trees": sum(len(text.trees) for text in texts)}

    def importances(self, model: Any, rows: Any) -> Columns | None:
        """Return what each column of the matrix brings the forests in loss, as they are weighed."""
        from learning.additive.parts import gains

        found = np.zeros(rows.shape[1])
        for name, part in model.parts_.items():
            if isinstance(part, str):
                found[: model.columns] += model.weights_[name] * gains(part)
        return found

    def fold(self, given: Columned, outputs: int) -> Form:
        """Return the trees and the linear term, weighted."""
        model = given.model
        filled = [
            source._replace(fill=model.fills_.get(source.feature))
            if isinstance(source, Number)
            else source
            for source in given.sources
        ]
        read, scores = replace(given, sources=filled), len(model.base_)
        nodes: list[Node] = []
        for name, part in model.parts_.items():
            if isinstance(part, str):
                nodes += _trees(part, read, scores, model.weights_[name])
        forest = Forest(
            tuple(nodes), given.columns, scores, model.link_, tuple(np.ravel(model.base_).tolist())
        )
        linear = model.parts_.get("linear")
        term = _term(linear, given, model.weights_["linear"], scores) if linear else None
        return Form(forest, term)


def _trees(text: str, given: Columned, outputs: int, weight: float) -> list[Node]:
    from learning.forms import lightgbm

    return list(lightgbm.trees(lightgbm.read(text), given, outputs, (weight,) * outputs))


def _term(part: Any, given: Columned, weight: float, outputs: int) -> Term:
    pipeline = part["pipeline"]
    texts = len(given.sources) - given.columns
    made = sources([pipeline[0]], given.columns, texts)
    last = pipeline[-1]
    weights, intercepts = np.atleast_2d(last.coef_), np.atleast_1d(last.intercept_)
    if len(weights) != outputs:
        raise CannotFold("the linear term was not fitted on all classes")
    return Term(
        Linear(made, weights.tolist(), intercepts.tolist()),
        (weight,) * outputs,
        tuple(part["low"].tolist()),
        tuple(part["high"].tolist()),
    )


family = AdditiveFamily()
