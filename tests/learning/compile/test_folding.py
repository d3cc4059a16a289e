from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.ensemble import RandomForestClassifier as Forest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

from learning.compile.folding import (
    CannotFold,
    Indicator,
    Number,
    Source,
    columned,
    fold_forest,
    fold_linear,
    sources,
)
from learning.compile.trees import AtMost, Is, Split, every_test
from tests.learning.samples import batch, schema, target

ROWS = batch()
ONE_HOT = OneHotEncoder(handle_unknown="ignore")


def prepare(*parts: tuple[Any, Any], remainder: str = "drop") -> ColumnTransformer:
    named = [(str(i), part, columns) for i, (part, columns) in enumerate(parts)]
    return ColumnTransformer(named, remainder=remainder, sparse_threshold=0)


def value(source: Source, row: np.ndarray) -> float:
    """What stands in a prepared column, as its source says it."""
    if isinstance(source, Number):
        raw = row[source.feature]
        filled = source.fill if np.isnan(raw) and source.fill is not None else raw
        return float(source.scale * filled + source.shift)
    assert isinstance(source, Indicator)
    raw = row[source.test.feature]
    held = source.test.missing if np.isnan(raw) else raw == source.test.code
    return source.scale * held + source.shift


@pytest.mark.parametrize(
    "step",
    [
        prepare((ONE_HOT, [1, 4]), (SimpleImputer(strategy="median"), [0, 2, 3, 5])),
        prepare((ONE_HOT, slice(4, 5)), (SimpleImputer(), [2]), remainder="passthrough"),
        prepare((ONE_HOT, np.array([False, True, False, False, True, False]))),
        prepare((OneHotEncoder(handle_unknown="ignore", drop="first"), [1, 4])),
        prepare((SimpleImputer(add_indicator=True), [0, 2, 5])),
        prepare((Pipeline([("i", SimpleImputer()), ("s", StandardScaler())]), [2, 5])),
        prepare((StandardScaler(with_mean=False), [0]), (StandardScaler(with_std=False), [5])),
        prepare((MinMaxScaler(), [0, 5]), (MaxAbsScaler(), [0]), (RobustScaler(), [5, 0])),
        prepare((FunctionTransformer(), [0]), ("passthrough", [3])),
        prepare((Pipeline([("i", SimpleImputer(strategy="most_frequent")), ("o", ONE_HOT)]), [1])),
        Pipeline([("a", prepare((ONE_HOT, [4]), (SimpleImputer(), [2]))), ("b", StandardScaler())]),
    ],
)
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_sources_say_what_stands_in_each_prepared_column(step: Any) -> None:
    prepared = step.fit(ROWS.matrix).transform(ROWS.matrix)
    found = sources([step], columns=6, texts=0)
    wanted = [[value(s, row) for s in found] for row in ROWS.matrix.astype(float)]
    np.testing.assert_allclose(prepared, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (prepare((OneHotEncoder(min_frequency=0.2, handle_unknown="ignore"), [4])), "infrequent"),
        (prepare((OneHotEncoder(), [4])), "does not ignore unknown"),
        (prepare((SimpleImputer(missing_values=0.0), [3])), "something else than NaN"),
        (prepare((MinMaxScaler(clip=True), [0])), "clips"),
        (prepare((PolynomialFeatures(), [0])), "PolynomialFeatures is not folded"),
        (prepare((FunctionTransformer(np.abs), [0])), "FunctionTransformer is not folded"),
        (Pipeline([("s", StandardScaler()), ("o", ONE_HOT)]), "raw columns"),
        (Pipeline([("s", StandardScaler()), ("i", SimpleImputer())]), "raw columns"),
        (prepare((ONE_HOT, [0])), "holds no codes"),
    ],
)
def test_what_is_not_folded_is_refused_by_name(step: Any, reason: str) -> None:
    step.fit(ROWS.matrix)
    with pytest.raises(CannotFold, match=reason):
        sources([step], columns=6, texts=0)


def test_a_vectorizer_needs_a_text() -> None:
    step = CountVectorizer().fit(["a text", "another"])
    with pytest.raises(CannotFold, match="does not stand on a text"):
        sources([step], columns=1, texts=0)


def fitted(classifier: Any, classes: int = 2, steps: Any = ()) -> Pipeline:
    labels = target(ROWS, classes)
    return Pipeline([*steps, ("classifier", classifier)]).fit(ROWS.matrix, labels)


STANDARD = (
    "prepare",
    prepare((ONE_HOT, [1, 4]), (SimpleImputer(strategy="median"), [0, 2, 3, 5])),
)


def test_imputation_becomes_the_direction_of_missing_values() -> None:
    estimator = fitted(Forest(5, max_depth=4, random_state=0), steps=[STANDARD])
    median = np.float32(np.nanmedian(ROWS.matrix[:, 2]))
    tests = list(every_test(fold_forest(columned(estimator, schema()), 2)))
    weights = [t for t in tests if isinstance(t, AtMost) and t.feature == 2]
    assert weights
    assert all(t.missing == (median <= t.threshold) for t in weights)
    assert {t.feature for t in tests if isinstance(t, Is)} <= {1, 4}


def test_missing_values_of_a_feature_that_has_none_are_nobodys_concern() -> None:
    estimator = fitted(HistGradientBoostingClassifier(max_iter=3, random_state=0))
    tests = list(every_test(fold_forest(columned(estimator, schema()), 2)))
    assert {t.missing is None for t in tests if t.feature == 0} == {True}
    assert {t.missing is None for t in tests if t.feature == 2} == {False}


def test_training_rows_weigh_the_branches() -> None:
    estimator = fitted(Forest(1, max_depth=2, bootstrap=False, random_state=0), steps=[STANDARD])
    (tree,) = fold_forest(columned(estimator, schema()), 2).trees
    assert isinstance(tree, Split)
    assert tree.rows == tree.yes.rows + tree.no.rows == len(ROWS.matrix)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: fitted(LogisticRegression(max_iter=1000), steps=[STANDARD]), "not made of trees"),
        (
            lambda: fitted(GradientBoostingClassifier(loss="exponential"), steps=[STANDARD]),
            "loss exponential",
        ),
        (
            lambda: fitted(GradientBoostingClassifier(init=Forest(2)), steps=[STANDARD]),
            "starts from another",
        ),
        (
            lambda: fitted(Forest(2), steps=[("p", SimpleImputer()), ("s", StandardScaler())]),
            "scaled columns",
        ),
        (
            lambda: fitted(HistGradientBoostingClassifier(categorical_features=[1, 4])),
            "categories of its own",
        ),
        (lambda: fitted(Forest(2), classes=3, steps=[STANDARD]), "not fitted on all classes"),
    ],
)
def test_trees_that_are_not_folded_are_refused_by_name(
    make: Callable[[], Any], reason: str
) -> None:
    with pytest.raises(CannotFold, match=reason):
        fold_forest(columned(make(), schema()), 2)


def test_a_linear_model_is_refused_where_it_is_none() -> None:
    with pytest.raises(CannotFold, match="not a logistic regression"):
        fold_linear(columned(fitted(Forest(2), steps=[STANDARD]), schema()), 2)
    one_class_less = fitted(LogisticRegression(max_iter=1000), steps=[STANDARD])
    with pytest.raises(CannotFold, match="not fitted on all classes"):
        fold_linear(columned(one_class_less, schema(0, 1, 2)), 3)
