"""A ready-made estimator, asked with the columns that it was fitted on."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from errors import DependencyError, ModelFileError
from tables.schema import Schema

INSTALL = "pandas is not installed; to install it: pip install pandas"

# What stands for a category that the encoder ignores.
UNSEEN = "\x00unseen"


class _Frame(BaseEstimator):
    """Asks `estimator` with a data frame, or with a plain array if it was fitted on one.

    It takes what `learning.runtimes.sklearn.estimator_input` makes of a batch: numbers,
    then texts, of the names given. `columns` are the names in the estimator's
    own order; `framed` says whether it wants them by name. `categories` are those
    of the columns that come as codes.
    """

    def __init__(
        self,
        estimator: Any = None,
        columns: tuple[str, ...] = (),
        numbers: tuple[str, ...] = (),
        booleans: tuple[str, ...] = (),
        texts: tuple[str, ...] = (),
        framed: bool = False,
        categories: dict[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.estimator = estimator
        self.columns = columns
        self.numbers = numbers
        self.booleans = booleans
        self.texts = texts
        self.framed = framed
        self.categories = categories

    def table(self, rows: NDArray[Any]) -> Any:
        """Return rows as the estimator reads them: a data frame, or an array."""
        indices = {name: index for index, name in enumerate((*self.numbers, *self.texts))}
        columns = {name: self._column(rows[:, indices[name]], name) for name in self.columns}
        if self.framed:
            return _pandas().DataFrame(columns)
        if not self.texts and not self.categories:
            return np.column_stack(list(columns.values()))
        table = np.empty((len(rows), len(columns)), dtype=object)
        for index, column in enumerate(columns.values()):
            table[:, index] = column
        return table

    def _column(self, values: NDArray[Any], name: str) -> NDArray[Any]:
        if name in self.texts:
            return values
        if self.categories and name in self.categories:
            return _words(values, self.categories[name])
        numbers = values.astype(np.float64)
        return numbers.astype(bool) if self.framed and name in self.booleans else numbers


class Framed(ClassifierMixin, _Frame):
    """A classifier in its frame."""

    @property
    def classes_(self) -> NDArray[np.intp]:
        """The places of the classes, as a dataset counts them."""
        return np.arange(len(self.estimator.classes_))

    def predict_proba(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Return the probabilities `[n, k]`."""
        return np.asarray(self.estimator.predict_proba(self.table(rows)), dtype=np.float64)

    def predict(self, rows: NDArray[Any]) -> NDArray[np.intp]:
        """Return the place of the likeliest class of each row."""
        return np.asarray(self.predict_proba(rows).argmax(axis=1))


class FramedQuantity(RegressorMixin, _Frame):
    """A regressor in its frame."""

    def predict(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Return the value of each row."""
        return np.asarray(self.estimator.predict(self.table(rows)), dtype=np.float64)


def framed(estimator: Any, schema: Schema) -> Framed | FramedQuantity:
    """Return the estimator wrapped for a signature.

    Raises ModelFileError when its columns are others, DependencyError when it
    wants a data frame, and there is no pandas.
    """
    wanted = getattr(estimator, "feature_names_in_", None)
    names = [feature.name for feature in schema.features]
    columns = names if wanted is None else [str(name) for name in wanted]
    _check_columns(columns, names, getattr(estimator, "n_features_in_", len(names)))
    if wanted is not None:
        _pandas()
    kind = Framed if schema.target.classes else FramedQuantity
    return kind(
        estimator,
        tuple(columns),
        tuple(f.name for f in schema.numeric),
        tuple(f.name for f in schema.features if f.kind == "boolean"),
        tuple(f.name for f in schema.texts),
        framed=wanted is not None,
        categories={f.name: f.categories for f in schema.features if f.kind == "category"} or None,
    )


def _words(codes: NDArray[Any], categories: tuple[str, ...]) -> NDArray[Any]:
    """Return the categories of codes, NaN for NaN; of a code that is none, what no category is."""
    known = np.array([*categories, UNSEEN], dtype=object)
    missing = np.isnan(codes.astype(np.float64))
    words: NDArray[Any] = known[np.where(missing, 0, codes).astype(np.intp)]
    words[missing] = np.nan
    return words


def _check_columns(columns: list[str], names: list[str], width: int) -> None:
    for column in columns:
        if column not in names:
            raise ModelFileError(f"the model reads a column {column}, which the example has not")
    for name in names:
        if name not in columns:
            raise ModelFileError(f"the example has a column {name}, which the model does not read")
    if width != len(names):
        raise ModelFileError(f"the model reads {width} columns; the example has {len(names)}")


def _pandas() -> Any:
    try:
        return import_module("pandas")
    except ImportError:
        raise DependencyError(INSTALL) from None
