"""The parts of the default learner: two forests of small trees, and a linear term.

Each is learnt from rows, and scores rows. What a fitted part keeps is plain: text, numbers,
scikit-learn's own classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from learning.additive.budget import Budget
from learning.additive.losses import Doubles, Link
from learning.boosters import lightgbm_model

# Of a round: more trees than these, over all classes, are no better and cost every answer.
MOST_TREES = 1000
PATIENCE = 60
# Rounds beyond those that were best out of fold, since all rows are more than most of them.
LONGER = 1.1
# Of more columns than these each tree reads a part.
WIDE = 1000
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
    "feature_pre_filter": False,
    "verbosity": -1,
}


# Called after each fit.
Advance = Callable[[], None]


class Rows(NamedTuple):
    """Rows as the parts read them: all columns, and the float32 matrix of those without texts."""

    table: NDArray[Any]
    matrix: NDArray[np.float32]

    def take(self, indices: NDArray[np.intp]) -> Rows:
        """Return some of the rows."""
        return Rows(self.table[indices], self.matrix[indices])


# The indices of rows to learn from, and of those answered, of each fold.
Folds = Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]


def answered_rows(folds: Folds) -> NDArray[np.intp]:
    """Return the indices of the rows that some fold answers, in order."""
    return np.unique(np.concatenate([outside for _, outside in folds]))


class Answered(NamedTuple):
    """A part's scores out of fold `[n, k]`, 0 elsewhere, and what `learn` is to be told."""

    scores: Doubles
    setting: float


class Part(Protocol):
    """One part."""

    name: str

    def out_of_fold(
        self, rows: Rows, values: NDArray[Any], folds: Folds, budget: Budget, advance: Advance
    ) -> Answered:
        """Return what the part answers for rows that it has not learnt."""
        ...

    def learn(self, rows: Rows, values: NDArray[Any], setting: float, budget: Budget) -> Any:
        """Return the part, learnt from all rows: what `scores` takes."""
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
        categories: Sequence[int],
    ) -> None:
        self.name = name
        self._parameters = {**BOTH, **parameters, **objective}
        self._outputs = int(objective.get("num_class", 1))
        self._categories = list(categories)

    def out_of_fold(
        self, rows: Rows, values: NDArray[Any], folds: Folds, budget: Budget, advance: Advance
    ) -> Answered:
        """Return the scores after as many rounds as are best for all folds together.

        A number of rounds for each fold, chosen on the rows that it is judged by, would
        flatter the forest: of few rows by a fifth of the loss.
        """
        made, curves = [], []
        parameters = self._settings(rows, values, budget)
        # Binned once for all folds: the edges of bins know of no target.
        data = self._data(rows, values, parameters)
        for inside, outside in folds:
            model, curve = self._stopped(
                data.subset(inside), data.subset(outside), parameters, budget
            )
            made.append(model)
            curves.append(curve)
            advance()
        together = np.mean([curve[: min(map(len, curves))] for curve in curves], axis=0)
        best = int(np.argmin(together)) + 1
        scores = np.zeros((len(values), self._outputs))
        for model, (_, outside) in zip(made, folds, strict=True):
            scores[outside] = _raw(model, rows.take(outside), best)
        return Answered(scores, best * LONGER)

    def learn(self, rows: Rows, values: NDArray[Any], setting: float, budget: Budget) -> str:
        """Return the model's text after so many rounds."""
        import lightgbm

        parameters = self._settings(rows, values, budget)
        data = self._data(rows, values, parameters)
        calls = [_until(budget)]
        made = lightgbm.train(parameters, data, int(np.ceil(setting)), callbacks=calls)
        text: str = made.model_to_string(num_iteration=-1)
        return text

    def _stopped(
        self, data: Any, held: Any, parameters: Mapping[str, Any], budget: Budget
    ) -> tuple[Any, list[float]]:
        """Return a model that goes on while held rows are answered better, and its losses."""
        import lightgbm

        curve: dict[str, Any] = {}
        calls: list[Callable[..., Any]] = [
            _until(budget),
            lightgbm.early_stopping(PATIENCE, verbose=False),
            lightgbm.record_evaluation(curve),
        ]
        made = lightgbm.train(
            dict(parameters),
            data,
            self._most,
            valid_sets=[held],
            valid_names=["held"],
            callbacks=calls,
        )
        (losses,) = curve["held"].values()
        return made, losses

    @property
    def _most(self) -> int:
        return max(10, MOST_TREES // self._outputs)

    def _settings(self, rows: Rows, values: NDArray[Any], budget: Budget) -> dict[str, Any]:
        count, columns = len(values), rows.matrix.shape[1]
        return self._settings_for(count, columns, budget.threads(rows.matrix.size))

    def _settings_for(self, rows: int, columns: int, threads: int) -> dict[str, Any]:
        return {
            **self._parameters,
            **_by_width(columns, self._parameters["feature_fraction"]),
            "min_data_in_leaf": max(2, min(10, rows // 20)),
            "learning_rate": _rate(rows, self._most),
            "num_threads": threads,
        }

    def scores(self, model: str, rows: Rows) -> Doubles:
        """Return the raw scores, by the library itself."""
        return _raw(lightgbm_model(model), rows, -1)

    def _data(self, rows: Rows, values: NDArray[Any], parameters: Mapping[str, Any]) -> Any:
        import lightgbm

        return lightgbm.Dataset(
            rows.matrix,
            values,
            categorical_feature=self._categories,
            params=dict(parameters),
        )


def _raw(model: Any, rows: Rows, rounds: int) -> Doubles:
    found = model.predict(rows.matrix, raw_score=True, num_iteration=rounds, num_threads=1)
    return np.asarray(found, np.float64).reshape(len(rows.matrix), -1)


def _by_width(columns: int, fraction: float) -> dict[str, Any]:
    """Return what keeps the trees of wide tables quick: fewer columns a tree, and fewer bins."""
    if columns <= WIDE:
        return {"force_row_wise": True}
    return {"force_col_wise": True, "max_bin": 63, "feature_fraction": fraction * WIDE / columns}


def _rate(rows: int, most: int) -> float:
    """Return the learning rate: so slow that the rounds there may be are enough."""
    slow = 0.05 if rows < 10_000 else 0.1
    return max(slow, 20.0 / most) if most < 400 else slow


def _until(budget: Budget) -> Callable[[Any], None]:
    """Return a callback that ends a forest where its share of the budget does."""
    import lightgbm

    end = budget.share()

    def check(environment: Any) -> None:
        if environment.iteration and budget.over(end):
            raise lightgbm.callback.EarlyStopException(environment.iteration, [])

    check.order = 40  # type: ignore[attr-defined]
    return check


class LinearPart:
    """A linear term over one-hot columns, scaled numbers and words.

    `make` makes its pipeline for one of `strengths`, which bound its weights.
    """

    name = "linear"

    def __init__(
        self, make: Callable[[float], Any], strengths: Sequence[float], link: Link, outputs: int
    ) -> None:
        self._make = make
        self._strengths = strengths
        self._link = link
        self._outputs = outputs

    def out_of_fold(
        self, rows: Rows, values: NDArray[Any], folds: Folds, budget: Budget, advance: Advance
    ) -> Answered:
        """Return the scores of the strength that is best for all folds together."""
        end = budget.share(len(folds))
        strengths, outside = list(self._strengths), answered_rows(folds)
        scores = {one: np.zeros((len(values), self._outputs)) for one in strengths}
        for inside, held in folds:
            answered = rows.take(held)
            made = self._fitted(rows.take(inside), values[inside], strengths)
            for count, (strength, model) in enumerate(zip(strengths, made, strict=False), 1):
                scores[strength][held] = self.scores(model, answered)
                if count < len(strengths) and budget.over(end):
                    strengths = strengths[:count]
                    break
            advance()

        def loss(strength: float) -> float:
            return float(self._link.losses(scores[strength][outside], values[outside]).mean())

        best = min(strengths, key=loss)
        return Answered(scores[best], best)

    def learn(self, rows: Rows, values: NDArray[Any], setting: float, budget: Budget) -> Any:
        """Return the fitted pipeline with the range of what it came to on its own rows."""
        budget.share()
        return next(self._fitted(rows, values, [setting]))

    def _fitted(
        self, rows: Rows, values: NDArray[Any], strengths: Sequence[float]
    ) -> Iterator[dict[str, Any]]:
        """Give the model of each strength; what comes before the weights is learnt once."""
        if len(values) > MOST_LINEAR_ROWS:
            step = -(-len(values) // MOST_LINEAR_ROWS)
            rows, values = rows.take(np.arange(0, len(values), step)), values[::step]
        prepare = self._make(strengths[0])[:-1]
        table = prepare.fit_transform(rows.table, values)
        for strength in strengths:
            last = self._make(strength)[-1].fit(table, values)
            found = _decision(last, table)
            low, high = found.min(axis=0), found.max(axis=0)
            tenth = (high - low) / 10.0
            pipeline = Pipeline([*prepare.steps, ("last", last)])
            yield {"pipeline": pipeline, "low": low - tenth, "high": high + tenth}

    def scores(self, model: Mapping[str, Any], rows: Rows) -> Doubles:
        """Return the sums, kept within the range and a tenth of it to either side."""
        return np.asarray(
            np.clip(_decision(model["pipeline"], rows.table), model["low"], model["high"])
        )


def _decision(fitted: Any, table: Any) -> Doubles:
    decide = getattr(fitted, "decision_function", None) or fitted.predict
    return np.asarray(decide(table), np.float64).reshape(table.shape[0], -1)


def gains(text: str) -> Doubles:
    """Return what the splits of each column bring a forest in loss."""
    return np.asarray(lightgbm_model(text).feature_importance("gain"), np.float64)
