"""Ready-made estimators: compiled where that can be proven, held by skops, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.cluster import KMeans
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from errors import ModelFileError
from learning.imports.estimator import TOLERANCE, import_estimator, import_skops
from learning.imports.example import Example
from tables.schema import Feature

ROWS = np.column_stack([np.arange(60) % 7, np.arange(60) % 5]).astype(float)
CLASSES = np.where(ROWS.sum(axis=1) > 5, "yes", "no")
FEATURES = (
    Feature("a", "number", minimum=0, maximum=6, example=1.0),
    Feature("b", "number", minimum=0, maximum=4, example=2.0),
)
OBJECTS = [{"a": a, "b": b} for a, b in ROWS.tolist()]
EXAMPLE = Example(FEATURES, OBJECTS, None, frozenset())


def imported(estimator: Any, example: Example = EXAMPLE) -> Any:
    return import_estimator(estimator, example, "y", "a test")


@pytest.mark.parametrize(
    ("make", "runtime"),
    [
        (lambda: RandomForestClassifier(5, random_state=0), "onnx"),
        (LogisticRegression, "linear"),
    ],
)
def test_it_answers_as_it_did(make: Any, runtime: str) -> None:
    estimator = make().fit(ROWS, CLASSES)
    made = imported(estimator)
    assert made.runtime_name == runtime
    assert made.schema.target.classes == ("no", "yes")
    assert made.parity is not None
    assert made.info["explanation"]["proven"]["largest_difference"] <= 1e-6
    assert len(made.rows) == len(made.probabilities) == 20
    np.testing.assert_allclose(made.probabilities, estimator.predict_proba(ROWS[:20]), atol=1e-5)
    assert TOLERANCE == 1e-5


@pytest.mark.parametrize(
    ("make", "runtime"),
    [
        (lambda: RandomForestRegressor(5, random_state=0), "onnx"),
        (lambda: make_pipeline(StandardScaler(), HistGradientBoostingRegressor(max_iter=5)), "any"),
        (lambda: make_pipeline(StandardScaler(), LinearRegression()), "any"),
        (lambda: TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp), "any"),
    ],
)
def test_a_regressor_is_a_quantity(make: Any, runtime: str) -> None:
    estimator = make().fit(ROWS, ROWS[:, 0] * 1e4 + ROWS[:, 1] + 1)
    made = imported(estimator)
    assert (made.schema.target.task, made.schema.target.classes) == ("regression", ())
    assert made.runtime_name == runtime or runtime == "any"
    expected = estimator.predict(ROWS[:20]).reshape(-1, 1)
    np.testing.assert_allclose(made.probabilities, expected, rtol=1e-5, atol=0.1)


def test_what_is_not_fitted_or_answers_otherwise_is_refused() -> None:
    for estimator in (LogisticRegression(), LinearRegression(), KMeans(2, n_init=1).fit(ROWS)):
        with pytest.raises(ModelFileError, match="neither a fitted classifier with prob"):
            imported(estimator)
    with pytest.raises(ModelFileError, match="more than one quantity"):
        imported(LinearRegression().fit(ROWS, ROWS))


def test_an_example_of_other_columns_is_refused() -> None:
    example = EXAMPLE._replace(features=FEATURES[:1], rows=[{"a": 1.0}])
    with pytest.raises(ModelFileError, match="reads 2 columns; the example has 1"):
        imported(LogisticRegression().fit(ROWS, CLASSES), example)


def test_a_skops_file_is_audited_before_anything_is_made() -> None:
    data = skops.io.dumps(LogisticRegression().fit(ROWS, CLASSES))
    assert import_skops(data, EXAMPLE, "y").runtime_name == "linear"
    with pytest.raises(ModelFileError, match=r"types that are not trusted: .*Foreign"):
        import_skops(skops.io.dumps(Foreign()), EXAMPLE, "y")
    with pytest.raises(ModelFileError, match=r"not a \.skops file"):
        import_skops(b"PK\x03\x04", EXAMPLE, "y")


class Foreign:
    """A type that nobody trusts."""
