"""The parts of the default learner: two forests of small trees, and a linear term.

Each is learnt from rows, and scores rows. What a fitted part keeps is plain: text, numbers,
scikit-learn's own classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from learning.additive.budget import Budget
from learning.additive.links import Doubles

# Of a round: more trees than these, over all classes, are no better and cost every answer.
MOST_TREES = 1000
PATIENCE = 60
# Rounds beyond those that were best out of fold, since all rows are more than most of them.
LONGER = 1.1
# Rows that a linear term is learnt from: more hardly move so few numbers.
MOST_LINEAR_ROWS = 100_000

FOREST_A: Mapping[str, Any] = {"num_leaves": 15, "extra_trees": True, "feature_fraction": 0.5}
FOREST_B: Mapping[str, Any] = {"num_leaves": 31, "feature_fraction": 0.7}
BOTH: Mapping[str, Any] = {
    "max_depth": 5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    # A split of a category is one code against the others: it is compiled as such, and sets of
    # codes, chosen by the target, fit thousands of codes to noise.
    "max_cat_to_onehot": 1 << 30,
    "deterministic": True,
    "force_row_wise": True,
    "feature_pre_filter": False,
    "verbosity": -1,
}


class Rows(NamedTuple):
    """Rows as the parts read them: all columns, and the float32 matrix of those without texts."""

    table: NDArray[Any]
    matrix: NDArray[np.float32]

    def take(self, indices: NDArray[np.intp]) -> Rows:
        """Return some of the rows."""
        return Rows(self.table[indices], self.matrix[indices])


class Learnt(NamedTuple):
    """A fitted part, and how many rounds it took, if it is made of such."""

    model: Any
    rounds: int = 0


class Part(Protocol):
    """One part."""

    name: str

    def learn(
        self,
        rows: Rows,
        values: NDArray[Any],
        held: tuple[Rows, NDArray[Any]] | None,
        rounds: int,
        budget: Budget,
    ) -> Learnt:
        """Return the part, learnt: until `held` rows are answered no better, or so many rounds."""
        ...

    def scores(self, model: Any, rows: Rows) -> Doubles:
        """Return the scores `[n, k]` of a fitted part."""
        ...


class ForestPart:
    """A forest, by LightGBM; its model is the library's text."""

    def __init__(
        self,
        name: str,
        parameters: Mapping[str, Any],
        objective: Mapping[str, Any],
        categories: tuple[int, ...],
        columns: tuple[int, ...],
    ) -> None:
        self.name = name
        self._parameters = {**BOTH, **parameters, **objective}
        self._outputs = int(objective.get("num_class", 1))
        self._categories = [i for i in categories if i in columns]
        self._columns = columns

    def learn(
        self,
        rows: Rows,
        values: NDArray[Any],
        held: tuple[Rows, NDArray[Any]] | None,
        rounds: int,
        budget: Budget,
    ) -> Learnt:
        """Return the model's text."""
        import lightgbm

        most = max(10, MOST_TREES // self._outputs)
        parameters = {
            **self._parameters,
            "min_data_in_leaf": max(2, min(10, len(values) // 20)),
            "learning_rate": _rate(len(values), most),
            "num_threads": budget.threads(rows.matrix.size),
        }
        data = self._data(lightgbm, rows, values, parameters)
        calls: list[Callable[..., Any]] = [_until(lightgbm, budget)]
        beside = []
        if held is not None:
            calls.append(lightgbm.early_stopping(PATIENCE, verbose=False))
            beside = [self._data(lightgbm, *held, parameters, data)]
        made = lightgbm.train(parameters, data, rounds or most, valid_sets=beside, callbacks=calls)
        best = made.best_iteration if held is not None and made.best_iteration > 0 else -1
        text: str = made.model_to_string(num_iteration=best)
        return Learnt(text, best if best > 0 else made.current_iteration())

    def scores(self, model: str, rows: Rows) -> Doubles:
        """Return the raw scores, by the library itself."""
        made = _booster(model)
        found = made.predict(rows.matrix, raw_score=True, num_threads=1)
        return np.asarray(found, np.float64).reshape(len(rows.matrix), -1)

    def _data(
        self,
        lightgbm: Any,
        rows: Rows,
        values: NDArray[Any],
        parameters: Mapping[str, Any],
        like: Any = None,
    ) -> Any:
        return lightgbm.Dataset(
            rows.matrix,
            values,
            reference=like,
            categorical_feature=self._categories,
            params=dict(parameters),
            free_raw_data=True,
        )


def _rate(rows: int, most: int) -> float:
    """Return the learning rate: so slow that the rounds there may be are enough."""
    slow = 0.05 if rows < 10_000 else 0.1
    return max(slow, 20.0 / most) if most < 400 else slow


def _until(lightgbm: Any, budget: Budget) -> Callable[[Any], None]:
    """Return a callback that ends a forest where its share of the budget does."""
    end = budget.share()

    def check(environment: Any) -> None:
        if environment.iteration and budget.over(end):
            raise lightgbm.callback.EarlyStopException(environment.iteration, [])

    check.order = 40  # type: ignore[attr-defined]
    return check


_BOOSTERS: dict[int, tuple[str, Any]] = {}


def _booster(text: str) -> Any:
    """Return the library's model of a text; the last few are kept."""
    import lightgbm

    kept = _BOOSTERS.get(id(text))
    if kept is None or kept[0] is not text:
        if len(_BOOSTERS) > 4:
            _BOOSTERS.clear()
        kept = _BOOSTERS[id(text)] = (text, lightgbm.Booster(model_str=text))
    return kept[1]


class LinearPart:
    """A linear term over one-hot columns, scaled numbers and words."""

    name = "linear"

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def learn(
        self,
        rows: Rows,
        values: NDArray[Any],
        held: tuple[Rows, NDArray[Any]] | None,
        rounds: int,
        budget: Budget,
    ) -> Learnt:
        """Return the fitted pipeline with the range of what it came to on its own rows."""
        if len(values) > MOST_LINEAR_ROWS:
            step = -(-len(values) // MOST_LINEAR_ROWS)
            rows, values = rows.take(np.arange(0, len(values), step)), values[::step]
        model = self._make().fit(rows.table, values)
        found = _decision(model, rows)
        low, high = found.min(axis=0), found.max(axis=0)
        tenth = (high - low) / 10.0
        return Learnt({"pipeline": model, "low": low - tenth, "high": high + tenth})

    def scores(self, model: Mapping[str, Any], rows: Rows) -> Doubles:
        """Return the sums, kept within the range and a tenth of it to either side."""
        return np.asarray(np.clip(_decision(model["pipeline"], rows), model["low"], model["high"]))


def _decision(pipeline: Any, rows: Rows) -> Doubles:
    decide = getattr(pipeline, "decision_function", None) or pipeline.predict
    return np.asarray(decide(rows.table), np.float64).reshape(len(rows.matrix), -1)


def gains(text: str) -> Doubles:
    """Return what the splits of each column bring a forest in loss."""
    return np.asarray(_booster(text).feature_importance("gain"), np.float64)
