"""The forest of the default learner where LightGBM cannot be loaded: scikit-learn's own.

The shape is the same, trees of 15 leaves added up. Codes of categories are numbers to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from errors import DependencyError
from learning.additive.budget import Budget
from learning.additive.losses import Doubles
from learning.additive.parts import LONGER, MOST_TREES, Advance, Answered, Folds, Rows
from learning.boosters import lightgbm_library

INSTALL = (
    "LightGBM cannot be loaded, and scikit-learn's trees stand in for its better ones; "
    "to install what it needs: apt-get install libgomp1"
)
SETTINGS = {"max_leaf_nodes": 15, "learning_rate": 0.05, "max_features": 0.5}
PATIENCE = 30


def is_lightgbm_there() -> bool:
    """Tell whether LightGBM can be loaded: its library needs one of the system's."""
    try:
        lightgbm_library()
    except DependencyError:
        return False
    return True


class HistogramPart:
    """Boosted trees over histograms; its model is scikit-learn's."""

    name = "forest_a"

    def __init__(self, outputs: int, classes: bool, seed: int) -> None:
        self._outputs = outputs
        self._classes = classes
        self._seed = seed

    def out_of_fold(
        self, rows: Rows, values: NDArray[Any], folds: Folds, budget: Budget, advance: Advance
    ) -> Answered:
        """Return the scores of models that each stopped by a tenth of what they learnt from."""
        scores, rounds = np.zeros((len(values), self._outputs)), []
        for inside, outside in folds:
            made = self._make(max(10, MOST_TREES // self._outputs), stopping=True)
            made.fit(rows.take(inside).matrix, values[inside])
            budget.share()
            rounds.append(made.n_iter_)
            scores[outside] = self.scores(made, rows.take(outside))
            advance()
        return Answered(scores, float(np.mean(rounds)) * LONGER)

    def learn(self, rows: Rows, values: NDArray[Any], setting: float, budget: Budget) -> Any:
        """Return the model after so many rounds."""
        budget.share()
        made = self._make(int(np.ceil(setting)), stopping=False)
        return made.fit(rows.matrix, values)

    def scores(self, model: Any, rows: Rows) -> Doubles:
        """Return the raw scores."""
        ask = model.decision_function if self._classes else model.predict
        return np.asarray(ask(rows.matrix), np.float64).reshape(len(rows.matrix), -1)

    def _make(self, rounds: int, stopping: bool) -> Any:
        from sklearn import ensemble

        kind = (
            ensemble.HistGradientBoostingClassifier
            if self._classes
            else ensemble.HistGradientBoostingRegressor
        )
        return kind(
            max_iter=rounds,
            early_stopping=stopping,
            n_iter_no_change=PATIENCE,
            random_state=self._seed,
            **SETTINGS,
        )
