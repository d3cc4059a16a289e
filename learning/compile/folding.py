"""Folds a fitted scikit-learn pipeline into trees, or a linear model, over the raw matrix.

One-hot columns become tests of a category's code, imputation the direction that
a missing value takes. What is not known here raises CannotFold with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isnan
from typing import Any, NamedTuple

import numpy as np

from learning.compile.trees import AtMost, Forest, Is, Leaf, Link, Node, Split
from tables.schema import Schema


class CannotFold(Exception):
    """The pipeline holds something that cannot be folded; the text is the reason."""


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
    """A text feature, by its place in the batch."""

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


def sources(steps: Iterable[Any], columns: int, texts: int) -> list[Source]:
    """Return where each column comes from that the fitted `steps` make of a batch.

    They take `columns` of its matrix, and `texts` texts after them.
    """
    found: list[Source] = [*map(Number, range(columns)), *map(Text, range(texts))]
    for step in steps:
        found = _through(step, found)
    return found


def _through(step: Any, given: list[Source]) -> list[Source]:
    step_name = step if isinstance(step, str) else type(step).__name__
    if step_name == "passthrough" or _is_identity(step):
        return given
    if step_name == "drop":
        return []
    if step_name not in _FOLDS:
        raise CannotFold(f"{step_name} is not folded")
    return _FOLDS[step_name](step, given)


def _is_identity(step: Any) -> bool:
    return type(step).__name__ == "FunctionTransformer" and step.func is None


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


def _sums(step: Any, given: list[Source]) -> list[Source]:
    words = tuple(source for source in given if isinstance(source, Word))
    if len(words) < len(given):
        raise CannotFold(f"{type(step).__name__} does not stand on words")
    return [Sum(words, tuple(shares)) for shares in step.frequencies_.tolist()]


def _or(value: Any, default: float) -> Any:
    return default if value is None else value


_FOLDS: dict[str, Callable[[Any, list[Source]], list[Source]]] = {
    "Pipeline": _pipeline,
    "ColumnTransformer": _column_transformer,
    "OneHotEncoder": _one_hot,
    "SimpleImputer": _imputer,
    "CountVectorizer": _vectorizer,
    "TfidfVectorizer": _vectorizer,
    "ClassFrequencies": _sums,
    "StandardScaler": _affine(
        lambda s: 1.0 / _or(s.scale_, 1.0),
        # with_mean=False keeps the means all the same, and does not use them.
        lambda s: -(s.mean_ if s.with_mean else 0.0) / _or(s.scale_, 1.0),
    ),
    "RobustScaler": _affine(
        lambda s: 1.0 / _or(s.scale_, 1.0), lambda s: -_or(s.center_, 0.0) / _or(s.scale_, 1.0)
    ),
    "MinMaxScaler": _affine(lambda s: s.scale_, lambda s: s.min_),
    "MaxAbsScaler": _affine(lambda s: 1.0 / s.scale_, lambda s: 0.0),
}


@dataclass(frozen=True)
class Columned:
    """The last step of a pipeline, and where the columns that it reads come from."""

    classifier: Any
    sources: list[Source]
    columns: int
    nullable: frozenset[int]


def columned(estimator: Any, schema: Schema) -> Columned:
    """Return a fitted estimator's last step with the sources of its columns."""
    steps = [s for _, s in estimator.steps] if hasattr(estimator, "steps") else [estimator]
    columns = len(schema.numeric)
    nullable = frozenset(i for i, f in enumerate(schema.numeric) if f.nullable)
    found = sources(steps[:-1], columns, len(schema.texts))
    return Columned(steps[-1], found, columns, nullable)


def fold_forest(given: Columned, classes: int) -> Forest:
    """Return the trees of a fitted classifier, over raw features.

    Raises CannotFold for a classifier that is not made of trees.
    """
    name = type(given.classifier).__name__
    if name not in _FORESTS:
        raise CannotFold(f"{name} is not made of trees")
    if list(given.classifier.classes_) != list(range(classes)):
        raise CannotFold(f"{name} was not fitted on all classes")
    return _FORESTS[name](given)


def _averaged(given: Columned) -> Forest:
    classifier = given.classifier
    fitted = getattr(classifier, "estimators_", None) or [classifier]
    count = len(classifier.classes_)
    if count == 2:
        trees = tuple(_tree(given, t.tree_, lambda v: (float(v[0, 1]),)) for t in fitted)
        return Forest(trees, given.columns, 1)
    trees = tuple(_tree(given, t.tree_, lambda v: tuple(v[0].tolist())) for t in fitted)
    return Forest(trees, given.columns, count)


def _boosted(given: Columned) -> Forest:
    classifier = given.classifier
    if classifier.loss != "log_loss":
        raise CannotFold(f"GradientBoostingClassifier with loss {classifier.loss} is not folded")
    if classifier.init is not None and classifier.init != "zero":
        raise CannotFold("GradientBoostingClassifier starts from another estimator")
    rounds = classifier.estimators_
    rate, outputs = classifier.learning_rate, rounds.shape[1]
    trees = tuple(
        _tree(given, t.tree_, _only(k, outputs, rate))
        for stage in rounds
        for k, t in enumerate(stage)
    )
    start = classifier._raw_predict_init(np.zeros((1, classifier.n_features_in_), np.float32))
    return Forest(trees, given.columns, outputs, _link(outputs), tuple(start[0].tolist()))


def _only(output: int, outputs: int, rate: float) -> Callable[[Any], tuple[float, ...]]:
    """Return a function from a tree's value to values that are 0 for every other output."""

    def values(value: Any) -> tuple[float, ...]:
        made = [0.0] * outputs
        made[output] = float(rate * np.asarray(value).item())
        return tuple(made)

    return values


def _link(outputs: int) -> Link:
    return "logistic" if outputs == 1 else "softmax"


def _tree(given: Columned, tree: Any, values: Callable[[Any], tuple[float, ...]]) -> Node:
    """Return one tree of scikit-learn's, from its arrays."""
    left, right = tree.children_left.tolist(), tree.children_right.tolist()
    feature, threshold = tree.feature.tolist(), tree.threshold.tolist()
    rows = tree.weighted_n_node_samples.tolist()
    missing = [bool(m) for m in tree.missing_go_to_left]

    def node(at: int) -> Node:
        if left[at] < 0:
            return Leaf(values(tree.value[at]), rows[at])
        source = given.sources[feature[at]]
        below, above = node(left[at]), node(right[at])
        return _split(given, source, threshold[at], missing[at], below, above, rows[at])

    return node(0)


def _split(
    given: Columned,
    source: Source,
    threshold: float,
    missing_below: bool,
    below: Node,
    above: Node,
    rows: float,
) -> Node:
    """Return the split of a prepared column as one of its raw feature."""
    if isinstance(source, Indicator):
        if (source.scale, source.shift) != (1.0, 0.0):
            raise CannotFold("trees stand on scaled columns")
        if not 0.0 <= threshold < 1.0:
            return below if threshold >= 1.0 else above
        return Split(source.test, above, below, rows)
    if not isinstance(source, Number):
        raise CannotFold("trees stand on words")
    if not source.plain:
        raise CannotFold("trees stand on scaled columns")
    missing: bool | None = missing_below
    if source.fill is not None:
        missing = source.fill <= threshold
    elif source.feature not in given.nullable:
        missing = None
    return Split(AtMost(source.feature, threshold, missing), below, above, rows)


def _histogram_boosted(given: Columned) -> Forest:
    classifier = given.classifier
    if getattr(classifier, "_preprocessor", None) is not None:
        raise CannotFold("HistGradientBoostingClassifier has categories of its own")
    outputs = len(classifier._predictors[0])
    trees = tuple(
        _histogram_tree(given, champions.nodes, _only(k, outputs, 1.0))
        for stage in classifier._predictors
        for k, champions in enumerate(stage)
    )
    base = tuple(np.ravel(classifier._baseline_prediction).tolist())
    return Forest(trees, given.columns, outputs, _link(outputs), base)


def _histogram_tree(
    given: Columned, nodes: Any, values: Callable[[Any], tuple[float, ...]]
) -> Node:
    if nodes["is_categorical"].any():
        raise CannotFold("HistGradientBoostingClassifier has categories of its own")

    def node(at: int) -> Node:
        this = nodes[at]
        rows = float(this["count"])
        if this["is_leaf"]:
            return Leaf(values(this["value"]), rows)
        source = given.sources[this["feature_idx"]]
        below, above = node(this["left"]), node(this["right"])
        threshold, missing = float(this["num_threshold"]), bool(this["missing_go_to_left"])
        return _split(given, source, threshold, missing, below, above, rows)

    return node(0)


_FORESTS: dict[str, Callable[[Columned], Forest]] = {
    "DecisionTreeClassifier": _averaged,
    "ExtraTreeClassifier": _averaged,
    "RandomForestClassifier": _averaged,
    "ExtraTreesClassifier": _averaged,
    "GradientBoostingClassifier": _boosted,
    "HistGradientBoostingClassifier": _histogram_boosted,
}


class Linear(NamedTuple):
    """A linear classifier over sources: `intercepts` and `weights[output][source]`."""

    sources: list[Source]
    weights: list[list[float]]
    intercepts: list[float]


def fold_linear(given: Columned, classes: int) -> Linear:
    """Return the weights of a fitted logistic regression; one output is that of two classes.

    Raises CannotFold for anything else.
    """
    classifier = given.classifier
    if type(classifier).__name__ != "LogisticRegression":
        raise CannotFold(f"{type(classifier).__name__} is not a logistic regression")
    if list(classifier.classes_) != list(range(classes)):
        raise CannotFold("LogisticRegression was not fitted on all classes")
    if classes > 2 and classifier.solver == "liblinear":
        raise CannotFold("LogisticRegression is one against the rest")
    return Linear(given.sources, classifier.coef_.tolist(), classifier.intercept_.tolist())
