"""Boosted trees of scikit-learn: those over histograms, and the older, which are imported only."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from errors import RecipeError
from learning.family import Family, fit_in_steps
from learning.forms.histograms import histograms
from learning.forms.sources import CannotFold, Columned
from learning.forms.splits import link, only, sklearn_tree
from learning.forms.trees import Forest
from learning.preparation import pipeline
from learning.progress import Progress
from tables.schema import Schema

Rounds = Annotated[int, Meta(ge=1, le=2000)]
Rate = Annotated[float, Meta(gt=0, le=1)]
Leaves = Annotated[int, Meta(ge=2, le=1024)]
SmallestLeaf = Annotated[int, Meta(ge=1, le=10_000)]

# Each split chooses among so much of the columns; the rounds end when so many brought nothing.
COLUMNS_A_SPLIT = 0.5
PATIENCE = 20
# A tenth of the rows says when to stop; of fewer, or of fewer a class, it says nothing, and there
# are this many rounds.
FEW_ROWS, FEW_OF_A_CLASS = 100, 20
ROUNDS_WITHOUT_STOPPING = 100


def boosting(
    schema: Schema,
    seed: int,
    *,
    max_iter: Rounds = 500,
    learning_rate: Rate = 0.05,
    max_leaf_nodes: Leaves = 15,
    min_samples_leaf: SmallestLeaf = 20,
) -> Any:
    """Return gradient-boosted trees over the matrix as it is: they split codes and missing values.

    They end where a tenth of the rows is answered no better: `max_iter` is the most.

    Raises RecipeError for a schema with text, which they do not read.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    if schema.texts:
        raise RecipeError(f"boosting reads no text, and {schema.texts[0].name} is text")
    kind = (
        HistGradientBoostingClassifier if schema.target.classes else HistGradientBoostingRegressor
    )
    model = kind(
        max_iter=max_iter,
        learning_rate=learning_rate,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min_samples_leaf,
        max_features=COLUMNS_A_SPLIT,
        early_stopping=True,
        n_iter_no_change=PATIENCE,
        random_state=seed,
    )
    return pipeline("passthrough", model)


class BoostingFamily(Family):
    """Boosted trees."""

    name = "boosting"
    rank = 2
    trusted = frozenset(
        {
            "sklearn._loss.link.Interval",
            "sklearn._loss.link.LogitLink",
            "sklearn._loss.link.MultinomialLogit",
            "sklearn._loss.loss.HalfBinomialLoss",
            "sklearn._loss.loss.HalfMultinomialLoss",
            "sklearn._loss.link.IdentityLink",
            "sklearn._loss.loss.HalfSquaredError",
            "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
            "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
            "sklearn.utils._bunch.Bunch",
        }
    )
    make = staticmethod(boosting)

    def classes(self) -> tuple[type, ...]:
        """Return scikit-learn's classes."""
        from sklearn import ensemble

        return (
            ensemble.HistGradientBoostingClassifier,
            ensemble.GradientBoostingClassifier,
            ensemble.HistGradientBoostingRegressor,
        )

    def reads(self, schema: Schema) -> bool:
        """Tell whether there is no text."""
        return not schema.texts

    def fit(self, model: Any, rows: Any, target: NDArray[Any], progress: Progress) -> None:
        """Fit some rounds at a time those over histograms that do not stop by themselves."""
        if getattr(model, "early_stopping", False) is True and _few(model, target):
            rounds = min(model.max_iter, ROUNDS_WITHOUT_STOPPING)
            model.set_params(early_stopping=False, max_iter=rounds)
        if hasattr(model, "max_iter") and model.early_stopping is False:
            fit_in_steps(model, "max_iter", rows, target, progress)
        else:
            super().fit(model, rows, target, progress)

    def size(self, model: Any) -> dict[str, int]:
        """Return the number of trees, of which each class has its own, and the deepest's depth."""
        stages = getattr(model, "_predictors", None)
        if stages is None:
            return super().size(model)
        depths = [int(tree.get_max_depth()) for stage in stages for tree in stage]
        return {"num_trees": len(depths), "max_depth": max(depths)}

    def fold(self, given: Columned, outputs: int) -> Forest:
        """Return the trees; of two classes, those of the second one's score."""
        model = given.model
        if not hasattr(model, "classes_"):
            return replace(histograms(given), link="identity")
        if list(model.classes_) != list(range(outputs)):
            raise CannotFold(f"{type(model).__name__} was not fitted on all classes")
        return histograms(given) if hasattr(model, "_predictors") else _gradients(given)


def _few(model: Any, target: NDArray[Any]) -> bool:
    """Tell whether there are too few rows, or of a class, for some to be held out."""
    if not hasattr(model, "predict_proba"):
        return len(target) < FEW_ROWS
    return int(np.unique_counts(target).counts.min()) < FEW_OF_A_CLASS


def _gradients(given: Columned) -> Forest:
    model = given.model
    if model.loss != "log_loss":
        raise CannotFold(f"GradientBoostingClassifier with loss {model.loss} is not folded")
    if model.init is not None and model.init != "zero":
        raise CannotFold("GradientBoostingClassifier starts from another estimator")
    rounds, rate = model.estimators_, model.learning_rate
    outputs = rounds.shape[1]
    trees = tuple(
        sklearn_tree(given, tree.tree_, only(output, outputs, rate))
        for stage in rounds
        for output, tree in enumerate(stage)
    )
    start = model._raw_predict_init(np.zeros((1, model.n_features_in_), np.float32))
    return Forest(trees, given.columns, outputs, link(outputs), tuple(start[0].tolist()))


family = BoostingFamily()
