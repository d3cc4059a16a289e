"""Where each column that a fitted classifier reads comes from: its preparation, folded away.

One-hot columns become tests of a category's code, imputation the direction that
a missing value takes. What is not known here raises CannotFold with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from math import isnan
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from learning.forms.trees import Is
from tables.schema import UNKNOWN, Schema


class CannotFold(Exception):
    """The pipeline holds something that cannot be folded; the text is the reason."""


def last_step(estimator: Any) -> Any:
    """Return what a pipeline ends with, or the estimator itself."""
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


class Number(NamedTuple):
    """A column after preparation: `scale * x + shift`, with `fill` for NaN."""

    feature: int
    fill: float | None = None
    scale: float = 1.0
    shift: float = 0.0

    @property
    def plain(self) -> bool:
        return self.scale == 1.0 and self.shift == 0.0


class Indicator(NamedTuple):
    """A column after preparation: `scale` where the test holds, else 0, and `shift` added."""

    test: Is
    scale: float = 1.0
    shift: float = 0.0


class Text(NamedTuple):
    """A text feature, by its index in the batch."""

    column: int


class Word(NamedTuple):
    """A column after preparation: a term of a text feature, as a fitted vectorizer weighs it."""

    text: int
    vectorizer: Any
    term: int


class Sum(NamedTuple):
    """A column after preparation: terms added up, each with a weight; scaled, and shifted."""

    words: tuple[Word, ...]
    weights: tuple[float, ...]
    scale: float = 1.0
    shift: float = 0.0


Source = Number | Indicator | Text | Word | Sum


class WeightedSums:
    """A step of words whose columns are weighted sums of them: `rows @ weights.T`.

    A transformer of a recipe's own is folded if it is one of these.
    """

    @property
    def weights(self) -> NDArray[np.float64]:
        """The weights `[columns, words]`."""
        raise NotImplementedError


def sources(steps: Iterable[Any], columns: int, texts: int) -> list[Source]:
    """Return where each column comes from that the fitted `steps` make of a batch.

    They take `columns` of its matrix, and `texts` texts after them.
    """
    found: list[Source] = [*map(Number, range(columns)), *map(Text, range(texts))]
    for step in steps:
        found = _through(step, found)
    return found


def _through(step: Any, given: list[Source]) -> list[Source]:
    if isinstance(step, str):
        return [] if step == "drop" else given
    if isinstance(step, WeightedSums):
        return _sums(step, given)
    fold = next((fold for kind, fold in _folds().items() if isinstance(step, kind)), None)
    if fold is None:
        raise CannotFold(f"{type(step).__name__} is not folded")
    return fold(step, given)


def _function(step: Any, given: list[Source]) -> list[Source]:
    if step.func is not None:
        raise CannotFold(f"{type(step).__name__} is not folded")
    return given


def _pipeline(step: Any, given: list[Source]) -> list[Source]:
    for _, part in step.steps:
        given = _through(part, given)
    return given


def _column_transformer(step: Any, given: list[Source]) -> list[Source]:
    made: list[Source] = []
    for _, part, chosen in step.transformers_:
        indices = _indices(chosen, len(given))
        if indices:
            made += _through(part, [given[i] for i in indices])
    return made


def _indices(chosen: Any, count: int) -> list[int]:
    try:
        return [int(i) for i in np.atleast_1d(np.arange(count)[chosen])]
    except (IndexError, TypeError):
        raise CannotFold("columns are chosen by name") from None


def _one_hot(step: Any, given: list[Source]) -> list[Source]:
    if step.min_frequency is not None or step.max_categories is not None:
        raise CannotFold("OneHotEncoder groups infrequent categories")
    if step.handle_unknown != "ignore":
        raise CannotFold("OneHotEncoder does not ignore unknown categories")
    dropped = [None] * len(given) if step.drop_idx_ is None else step.drop_idx_
    made: list[Source] = []
    for source, values, drop in zip(given, step.categories_, dropped, strict=True):
        made += [_indicator(source, v) for i, v in enumerate(values) if i != drop]
    return made


def _indicator(source: Source, value: Any) -> Indicator:
    if not isinstance(source, Number) or not source.plain:
        raise CannotFold("OneHotEncoder does not stand on raw columns")
    if isnan(value):
        return Indicator(Is(source.feature, None, True))
    if value != int(value):
        raise CannotFold("OneHotEncoder stands on a column that holds no codes")
    return Indicator(Is(source.feature, int(value), source.fill == value))


def _ordinal(step: Any, given: list[Source]) -> list[Source]:
    """Return codes as they are: those that an encoder makes of themselves."""
    if step.handle_unknown != "use_encoded_value" or step.unknown_value != UNKNOWN:
        raise CannotFold(f"OrdinalEncoder does not make {UNKNOWN:g} of unknown categories")
    for source, values in zip(given, step.categories_, strict=True):
        if not isinstance(source, Number) or not source.plain:
            raise CannotFold("OrdinalEncoder does not stand on raw columns")
        if values.tolist() != list(range(len(values))):
            raise CannotFold("OrdinalEncoder stands on a column that holds no codes")
    return given


def _imputer(step: Any, given: list[Source]) -> list[Source]:
    if step.missing_values is not np.nan and not _is_nan(step.missing_values):
        raise CannotFold("SimpleImputer fills something else than NaN")
    made = [_filled(s, v) for s, v in zip(given, _statistics(step), strict=True)]
    indicator = step.indicator_
    if indicator is not None:
        features = [given[i] for i in indicator.features_]
        made += [Indicator(Is(s.feature, None, True)) for s in features if isinstance(s, Number)]
    return made


def _statistics(step: Any) -> list[float]:
    """Return what each column is filled with: 0 for one that is empty and kept."""
    values = [float(v) for v in step.statistics_]
    if any(isnan(v) for v in values) and not step.keep_empty_features:
        raise CannotFold("SimpleImputer drops a column")
    return [0.0 if isnan(v) else v for v in values]


def _is_nan(value: Any) -> bool:
    return isinstance(value, float | np.floating) and isnan(value)


def _filled(source: Source, value: float) -> Source:
    if not isinstance(source, Number) or not source.plain or source.fill is not None:
        raise CannotFold("SimpleImputer does not stand on raw columns")
    # scikit-learn writes the statistic into the float32 matrix.
    return source._replace(fill=float(np.float32(value)))


def _affine(scale: Callable[[Any], Any], shift: Callable[[Any], Any]) -> Any:
    """Return the fold of a step that makes `scale * x + shift` of each column."""

    def fold(step: Any, given: list[Source]) -> list[Source]:
        if getattr(step, "clip", False):
            raise CannotFold(f"{type(step).__name__} clips")
        scales = np.broadcast_to(np.asarray(scale(step), float), len(given))
        shifts = np.broadcast_to(np.asarray(shift(step), float), len(given))
        return list(map(_scaled, given, scales.tolist(), shifts.tolist()))

    return fold


def _scaled(source: Source, scale: float, shift: float) -> Source:
    if isinstance(source, Text | Word):
        raise CannotFold("words are scaled")
    return source._replace(scale=source.scale * scale, shift=source.shift * scale + shift)


def _vectorizer(step: Any, given: list[Source]) -> list[Source]:
    (source,) = given
    if not isinstance(source, Text):
        raise CannotFold(f"{type(step).__name__} does not stand on a text")
    return [Word(source.column, step, term) for term in range(len(step.vocabulary_))]


def _sums(step: WeightedSums, given: list[Source]) -> list[Source]:
    words = tuple(source for source in given if isinstance(source, Word))
    if len(words) < len(given):
        raise CannotFold(f"{type(step).__name__} does not stand on words")
    return [Sum(words, tuple(weights)) for weights in step.weights.tolist()]


def _or(value: Any, default: float) -> Any:
    return default if value is None else value


@cache
def _folds() -> Mapping[type, Callable[[Any, list[Source]], list[Source]]]:
    """Return how each class of scikit-learn's steps is folded; it is imported when one is met."""
    from sklearn import compose, impute, pipeline, preprocessing
    from sklearn.feature_extraction.text import CountVectorizer

    return {
        pipeline.Pipeline: _pipeline,
        compose.ColumnTransformer: _column_transformer,
        preprocessing.FunctionTransformer: _function,
        preprocessing.OneHotEncoder: _one_hot,
        preprocessing.OrdinalEncoder: _ordinal,
        impute.SimpleImputer: _imputer,
        CountVectorizer: _vectorizer,
        preprocessing.StandardScaler: _affine(
            lambda s: 1.0 / _or(s.scale_, 1.0),
            # with_mean=False keeps the means all the same, and does not use them.
            lambda s: -(s.mean_ if s.with_mean else 0.0) / _or(s.scale_, 1.0),
        ),
        preprocessing.RobustScaler: _affine(
            lambda s: 1.0 / _or(s.scale_, 1.0),
            lambda s: -_or(s.center_, 0.0) / _or(s.scale_, 1.0),
        ),
        preprocessing.MinMaxScaler: _affine(lambda s: s.scale_, lambda s: s.min_),
        preprocessing.MaxAbsScaler: _affine(lambda s: 1.0 / s.scale_, lambda s: 0.0),
    }


class Sets(Protocol):
    """Columns behind the features', each 1 where a feature's code is in a set, and 0 elsewhere."""

    def index(self, feature: int, mask: int, missing: bool = False) -> int:
        """Return the column of a set, given as the bits of its codes; `missing` is in it or not."""
        ...


@dataclass(frozen=True)
class Columned:
    """The last step of a pipeline, and where the columns that it reads come from.

    `sets` makes columns for sets of categories, where each code is not to have a split of its
    own. `doubles` says that the model was learnt from doubles, which the matrix has rounded.
    """

    model: Any
    sources: list[Source]
    columns: int
    nullable: frozenset[int]
    sets: Sets | None = None
    doubles: bool = False


def columned(estimator: Any, schema: Schema) -> Columned:
    """Return a fitted estimator's last step with the sources of its columns."""
    steps = [s for _, s in estimator.steps] if hasattr(estimator, "steps") else [estimator]
    columns = len(schema.numeric)
    any_may_be = schema.imputes is True
    nullable = frozenset(i for i, f in enumerate(schema.numeric) if f.nullable or any_may_be)
    found = sources(steps[:-1], columns, len(schema.texts))
    return Columned(steps[-1], found, columns, nullable)


class Linear(NamedTuple):
    """A linear model over sources: `intercepts` and `weights[output][source]`."""

    sources: list[Source]
    weights: list[list[float]]
    intercepts: list[float]
