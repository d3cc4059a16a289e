"""What an estimator family says of itself, and what holds where it says nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import ModelFileError
from learning.forms.additive import Additive
from learning.forms.sources import CannotFold, Columned, Linear
from learning.forms.trees import Forest
from learning.prediction import Runtime
from learning.progress import Progress
from tables.schema import Feature, Schema
from tables.split import Fold

# An ensemble is fitted in about this many steps, each reported to the progress.
STEPS = 20

Columns = NDArray[np.float64]


class Native(NamedTuple):
    """A model that its own library answers for: the runtime's name, its members, and why."""

    runtime_name: str
    members: dict[str, bytes]
    reason: str = "its library answers itself"


# What a fitted model comes to without its library.
Form = Forest | Linear | Additive | Native


class Foreign(NamedTuple):
    """A model of a family's own file.

    `classes` are its own names for them. `importances` has one for each feature.
    `forest` are its trees in the neutral form; where it is None, `reason` may say why.
    """

    features: tuple[Feature, ...]
    classes: tuple[Any, ...]
    native: Native
    importances: Columns
    info: dict[str, Any]
    forest: Forest | None = None
    reason: str | None = None


class Family:
    """A family of estimators; a file of this folder says all of one, as its `family`.

    `name` is what `--estimator` calls it, and `rank` where it stands among those
    that a user may name (None: not by its own name). `make(schema, seed, **parameters)`
    returns an estimator that is not fitted. `libraries` maps each
    distribution that its models are served with to how many leading numbers of
    the version must stay the same. `trusted` names the types of its fitted
    models that skops does not trust by itself. `ending` is that of its own
    files, if they can be imported. Where `folds` is not 0, `fit_folded` is called in
    place of `fit`, with so many folds of the dataset to judge by what it learns. The methods
    here hold for any scikit-learn classifier, where no family knows its class.
    """

    name: str = ""
    rank: int | None = None
    make: Callable[..., Any]
    libraries: Mapping[str, int] = {}
    trusted: frozenset[str] = frozenset()
    ending: str = ""
    folds: int = 0

    def classes(self) -> tuple[type, ...]:
        """Return the classes of fitted models that are its own; their library is imported here."""
        return ()

    def reads(self, schema: Schema) -> bool:
        """Tell whether it reads every kind of feature of the schema."""
        return True

    def fit_folded(
        self, model: Any, rows: Any, target: NDArray[Any], folds: Sequence[Fold], progress: Progress
    ) -> None:
        """Fit a model to prepared rows, given folds of them to judge by."""
        raise NotImplementedError

    def fit(self, model: Any, rows: Any, target: NDArray[Any], progress: Progress) -> None:
        """Fit a model to prepared rows."""
        progress.stage("fit", 1)
        model.fit(rows, target)
        progress.advance()

    def losses(self, model: Any) -> dict[str, float]:
        """Return what a fitted model measured of its parts on rows that they had not learnt."""
        return {}

    def size(self, model: Any) -> dict[str, int]:
        """Return `num_trees` and `max_depth` of a fitted model, as far as it has such."""
        trees = getattr(model, "estimators_", None)
        if trees is None:
            return {}
        depths = [int(t.get_depth()) for t in np.ravel(trees) if hasattr(t, "get_depth")]
        deepest = {"max_depth": max(depths)} if depths else {}
        return {"num_trees": int(np.size(trees)), **deepest}

    def importances(self, model: Any, rows: Any) -> Columns | None:
        """Return the importance of each prepared column, or None; `rows` are those held out."""
        if hasattr(model, "feature_importances_"):
            return np.asarray(model.feature_importances_)
        if hasattr(model, "coef_"):
            return linear_importances(model, rows)
        return None

    def fold(self, given: Columned, outputs: int) -> Form:
        """Return a fitted model of so many outputs in a neutral form. Raises CannotFold."""
        raise CannotFold(f"{type(given.model).__name__} is not made of trees")

    def load(self, members: Mapping[str, bytes]) -> Runtime:
        """Return the runtime of a model that its own library answers for."""
        raise NotImplementedError

    def read_file(
        self, data: bytes, features: tuple[Feature, ...], words: frozenset[str]
    ) -> Foreign:
        """Return the model of one of its own files, given an example's features.

        `words` are the boolean features that the example has in quotes. Raises
        ModelFileError for a model that reads other columns.
        """
        raise ModelFileError(f"no file of {self.name} can be imported")


def fit_in_steps(
    model: Any, counted: str, rows: Any, target: NDArray[Any], progress: Progress
) -> None:
    """Fit an ensemble by warm start, which gives the very model that fitting at once gives.

    `counted` is the parameter that counts its members.
    """
    total = getattr(model, counted)
    step = max(1, -(-total // STEPS))
    threads = {"n_jobs": -1} if hasattr(model, "n_jobs") else {}
    model.set_params(warm_start=True, **threads)
    progress.stage("fit", total)
    for done in range(0, total, step):
        upto = min(total, done + step)
        model.set_params(**{counted: upto})
        model.fit(rows, target)
        progress.advance(upto - done)
    model.set_params(warm_start=False, **({"n_jobs": 1} if threads else {}))


def linear_importances(model: Any, rows: Any) -> Columns:
    """Return each coefficient's size, a mean over outputs, times the spread of its column."""
    mean = np.asarray(rows.mean(axis=0)).ravel()
    square = rows.multiply(rows) if hasattr(rows, "multiply") else rows**2
    spread = np.sqrt(np.clip(np.asarray(square.mean(axis=0)).ravel() - mean**2, 0, None))
    sizes: Columns = np.abs(model.coef_).mean(axis=0) * spread
    return sizes
