from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

from learning.forms.sources import CannotFold, Indicator, Number, Source, sources
from tests.learning.samples import batch

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
        (prepare((OrdinalEncoder(), [4])), "does not make -1 of unknown"),
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
