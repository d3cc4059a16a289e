"""LightGBM and XGBoost as estimators over a batch's matrix, with all that their families share.

The rounds are as many as answer held-out rows best; all rows are then learnt so long. A fitted
model keeps its library's own text, so that an artifact holds no object of the library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split

from errors import DependencyError
from learning.links import Doubles, outputs_of
from learning.processors import processors, threads_for
from learning.progress import Progress, SilentProgress
from tables.schema import UNKNOWN
from tables.split import Fold

LIGHTGBM = "LightGBM cannot be loaded: pip install -r requirements.txt, apt-get install libgomp1"
XGBOOST = "XGBoost is not installed: pip install -r requirements-xgboost.txt"

PATIENCE = 50
HELD_OUT = 0.2
# Of fewer rows, or fewer of a class, those held out say nothing: there are this many rounds.
FEW_ROWS, FEW_OF_A_CLASS = 100, 20
ROUNDS_WITHOUT_STOPPING = 100
# All rows bear some more rounds than those that some were held out of.
LONGER = 1.1
# Over all classes: more trees cost every answer. Where they bound the rounds, the rate makes up
# for it, so far as it does no harm.
MOST_TREES, FEWEST_ROUNDS, HIGHEST_RATE = 2000, 10, 0.3


class Rows(NamedTuple):
    """A matrix `[n, d]` and the value of each row `[n]`."""

    matrix: NDArray[np.float32]
    values: NDArray[Any]

    def take(self, indices: NDArray[np.intp]) -> Rows:
        """Return some of the rows."""
        return Rows(self.matrix[indices], self.values[indices])


class Booster(BaseEstimator):
    """What both libraries, classes and quantities have in common.

    `categories` are the columns of codes; `rounds` is the most there may be.
    """

    def __init__(
        self,
        *,
        categories: Sequence[int] = (),
        rounds: int = 1000,
        learning_rate: float = 0.05,
        size: int = 15,
        seed: int = 0,
    ) -> None:
        self.categories = categories
        self.rounds = rounds
        self.learning_rate = learning_rate
        self.size = size
        self.seed = seed

    def fit(self, rows: NDArray[Any], values: NDArray[Any]) -> Booster:
        """Fit, holding out some rows by chance."""
        return self.learn(rows, values, None, SilentProgress())

    def learn(
        self, rows: NDArray[Any], values: NDArray[Any], fold: Fold | None, progress: Progress
    ) -> Booster:
        """Fit to rows `[n, d]`; a fold says which of them are held out to choose the rounds."""
        given = Rows(np.asarray(rows, np.float32), np.asarray(values))
        self._prepare(given.values)
        progress.stage("fit", 2)
        count = min(self._most, ROUNDS_WITHOUT_STOPPING)
        if not self._few(given.values):
            inside, outside = fold or self._held(given.values)
            best = self._best(given.take(inside), given.take(outside))
            count = min(self._most, int(np.ceil(best * LONGER)))
        progress.advance()
        self.text_, self.feature_importances_ = self._made(given, count)
        progress.advance()
        return self

    def outputs(self, rows: NDArray[Any]) -> Doubles:
        """Return the outputs `[n, k]`: probabilities, or quantities."""
        matrix = np.asarray(rows, np.float32)
        scores = self._scores(matrix).astype(np.float64).reshape(len(matrix), -1)
        return outputs_of(self.link, scores)

    @property
    def link(self) -> str:
        """The link of the scores."""
        raise NotImplementedError

    @property
    def _bound(self) -> int:
        scores = len(self.classes_) if self.link == "softmax" else 1
        return max(FEWEST_ROUNDS, MOST_TREES // scores)

    @property
    def _most(self) -> int:
        return min(self.rounds, self._bound)

    @property
    def _rate(self) -> float:
        return max(self.learning_rate, min(HIGHEST_RATE, 20.0 / self._bound))

    def _few(self, values: NDArray[Any]) -> bool:
        return len(values) < FEW_ROWS

    def _prepare(self, values: NDArray[Any]) -> None:
        pass

    def _held(self, values: NDArray[Any], strata: NDArray[Any] | None = None) -> Any:
        indices = np.arange(len(values))
        return train_test_split(
            indices, test_size=HELD_OUT, random_state=self.seed, stratify=strata
        )

    def _threads(self, rows: Rows) -> int:
        return threads_for(rows.matrix.size, processors())

    # ------------------------------------------------------------ what a library differs in

    def _best(self, rows: Rows, held: Rows) -> int:
        """Return after how many rounds held rows are answered best."""
        raise NotImplementedError

    def _made(self, rows: Rows, rounds: int) -> tuple[str, Doubles]:
        """Return the model's text, and what each column brings it in loss."""
        raise NotImplementedError

    def _scores(self, matrix: NDArray[np.float32]) -> NDArray[Any]:
        """Return the raw scores by the library itself."""
        raise NotImplementedError


class _Classes(ClassifierMixin, Booster):
    def predict_proba(self, rows: NDArray[Any]) -> Doubles:
        """Return the probabilities `[n, k]`."""
        return self.outputs(rows)

    def predict(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return the classes `[n]`."""
        found: NDArray[Any] = self.classes_[self.outputs(rows).argmax(axis=1)]
        return found

    @property
    def link(self) -> str:
        """The link of the scores."""
        return "logistic" if len(self.classes_) == 2 else "softmax"

    def _prepare(self, values: NDArray[Any]) -> None:
        self.classes_ = np.unique(values)

    def _few(self, values: NDArray[Any]) -> bool:
        return int(np.unique_counts(values).counts.min()) < FEW_OF_A_CLASS

    def _held(self, values: NDArray[Any], strata: NDArray[Any] | None = None) -> Any:
        return super()._held(values, values)


class _Quantity(RegressorMixin, Booster):
    link = "identity"

    def predict(self, rows: NDArray[Any]) -> Doubles:
        """Return the values `[n]`."""
        return self.outputs(rows)[:, 0]


# ---------------------------------------------------------------- LightGBM


def lightgbm_library() -> Any:
    """Return the library. Raises DependencyError with the command that installs it."""
    try:
        import lightgbm
    except (ImportError, OSError):
        raise DependencyError(LIGHTGBM) from None
    return lightgbm


@lru_cache(maxsize=4)
def lightgbm_model(text: str) -> Any:
    """Return the library's model of a text, which is asked again and again while it is proven."""
    return lightgbm_library().Booster(model_str=text)


class _LightGBM(Booster):
    def _best(self, rows: Rows, held: Rows) -> int:
        library, settings = lightgbm_library(), self._settings(rows)
        data = self._data(rows, settings)
        beside = library.Dataset(held.matrix, held.values, reference=data, params=settings)
        stop = library.early_stopping(PATIENCE, verbose=False)
        made = library.train(settings, data, self._most, valid_sets=[beside], callbacks=[stop])
        return int(made.best_iteration)

    def _made(self, rows: Rows, rounds: int) -> tuple[str, Doubles]:
        settings = self._settings(rows)
        made = lightgbm_library().train(settings, self._data(rows, settings), rounds)
        gains = np.asarray(made.feature_importance("gain"), np.float64)
        return made.model_to_string(num_iteration=-1), gains

    def _scores(self, matrix: NDArray[np.float32]) -> NDArray[Any]:
        found: NDArray[Any] = lightgbm_model(self.text_).predict(
            matrix, raw_score=True, num_threads=1
        )
        return found

    def _data(self, rows: Rows, settings: Mapping[str, Any]) -> Any:
        return lightgbm_library().Dataset(
            rows.matrix,
            rows.values,
            categorical_feature=list(self.categories),
            params=dict(settings),
        )

    def _settings(self, rows: Rows) -> dict[str, Any]:
        objectives = {"logistic": "binary", "softmax": "multiclass", "identity": "regression"}
        many = {"num_class": len(self.classes_)} if self.link == "softmax" else {}
        return {
            "objective": objectives[self.link],
            **many,
            "num_leaves": self.size,
            "learning_rate": self._rate,
            "feature_fraction": 0.5,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "lambda_l2": 1.0,
            "min_data_in_leaf": max(2, min(20, len(rows.values) // 20)),
            # Sets of codes, chosen by the target, fit thousands of codes to noise.
            "max_cat_to_onehot": 1 << 30,
            "deterministic": True,
            "force_row_wise": True,
            "feature_pre_filter": False,
            "seed": self.seed,
            "num_threads": self._threads(rows),
            "verbosity": -1,
        }


class LightGBMClassifier(_Classes, _LightGBM):
    """Of two classes by log-odds, of more by softmax."""


class LightGBMRegressor(_Quantity, _LightGBM):
    """Of quantities, by squared error."""


# ---------------------------------------------------------------- XGBoost


def xgboost_library() -> Any:
    """Return the library. Raises DependencyError with the command that installs it."""
    try:
        import xgboost
    except (ImportError, OSError):
        raise DependencyError(XGBOOST) from None
    return xgboost


class _XGBoost(Booster):
    def _best(self, rows: Rows, held: Rows) -> int:
        made = xgboost_library().train(
            self._settings(rows),
            self._data(rows.matrix, rows.values),
            self._most,
            evals=[(self._data(held.matrix, held.values), "held")],
            early_stopping_rounds=PATIENCE,
            verbose_eval=False,
        )
        return int(made.best_iteration) + 1

    def _made(self, rows: Rows, rounds: int) -> tuple[str, Doubles]:
        data = self._data(rows.matrix, rows.values)
        made = xgboost_library().train(self._settings(rows), data, rounds)
        gains = np.zeros(rows.matrix.shape[1])
        for name, gain in made.get_score(importance_type="total_gain").items():
            gains[int(name.removeprefix("f"))] = gain
        return made.save_raw("json").decode(), gains

    def _scores(self, matrix: NDArray[np.float32]) -> NDArray[Any]:
        made = xgboost_library().Booster({"nthread": 1})
        made.load_model(bytearray(self.text_.encode()))
        found: NDArray[Any] = made.predict(self._data(matrix), output_margin=True)
        return found

    def _data(self, matrix: NDArray[np.float32], values: NDArray[Any] | None = None) -> Any:
        kinds = ["q"] * matrix.shape[1]
        for index in self.categories:
            kinds[index] = "c"
        matrix = self._known(matrix)
        return xgboost_library().DMatrix(
            matrix, values, feature_types=kinds, enable_categorical=True, nthread=1
        )

    def _known(self, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rows with a code never seen, which XGBoost cannot learn, as a missing one."""
        chosen = list(self.categories)
        codes = matrix[:, chosen]
        made = matrix.copy()
        made[:, chosen] = np.where(codes == UNKNOWN, np.float32(np.nan), codes)
        return made

    def _settings(self, rows: Rows) -> dict[str, Any]:
        objectives = {
            "logistic": {"objective": "binary:logistic"},
            "softmax": {"objective": "multi:softprob"},
            "identity": {"objective": "reg:squarederror"},
        }
        many = {"num_class": len(self.classes_)} if self.link == "softmax" else {}
        return {
            **objectives[self.link],
            **many,
            "tree_method": "hist",
            "max_depth": self.size,
            "eta": self._rate,
            "subsample": 0.8,
            "colsample_bynode": 0.5,
            "max_cat_to_onehot": 1 << 30,
            "seed": self.seed,
            "nthread": self._threads(rows),
            "verbosity": 0,
        }


class XGBoostClassifier(_Classes, _XGBoost):
    """Of two classes by log-odds, of more by softmax."""


class XGBoostRegressor(_Quantity, _XGBoost):
    """Of quantities, by squared error."""
