"""The categories of a pipeline's own encoders become those of the schema."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from learning.imports.categories import with_categories
from learning.imports.estimator import import_estimator
from learning.imports.example import Example
from learning.imports.imported import Imported, encoded
from learning.runtimes import load_runtime
from tables.schema import Feature

RANDOM = np.random.default_rng(0)
ROWS = np.empty((120, 2), dtype=object)
ROWS[:, 0] = RANDOM.choice(["a", "b", "c"], 120)
ROWS[:, 1] = RANDOM.normal(size=120)
LABELS = ((ROWS[:, 0] == "a") | (ROWS[:, 1] > 1)).astype(int)
FEATURES = (Feature("cat", "text", example="b"), Feature("n", "number", example=1.0))
OBJECTS = [{"cat": cat, "n": n} for cat, n in ROWS.tolist()]


def pipeline(encoder: Any, *more: Any) -> Any:
    prepare = ColumnTransformer([("o", encoder, [0]), *more, ("n", "passthrough", [1])])
    return make_pipeline(prepare, RandomForestClassifier(5, random_state=0)).fit(ROWS, LABELS)


def imported(estimator: Any) -> Imported:
    return import_estimator(estimator, Example(FEATURES, OBJECTS, None), "y", "a test")


@pytest.mark.parametrize(("unknown", "closed"), [("error", True), ("ignore", False)])
def test_what_an_encoder_knows_are_categories_and_compiled(unknown: str, closed: bool) -> None:
    estimator = pipeline(OneHotEncoder(handle_unknown=unknown))
    made = imported(estimator)
    feature = made.schema.features[0]
    assert (feature.kind, feature.categories) == ("category", ("a", "b", "c"))
    assert feature.closed is closed
    assert made.runtime_name == "onnx"
    np.testing.assert_allclose(made.probabilities, estimator.predict_proba(ROWS[:20]), atol=1e-5)


def test_ordinals_are_folded_where_those_unseen_are_what_codes_say() -> None:
    for encoder, compiled in (
        (OrdinalEncoder(), True),
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), True),
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=7), False),
    ):
        estimator = pipeline(encoder)
        made = imported(estimator)
        assert made.schema.features[0].closed is (encoder.handle_unknown == "error")
        assert (made.runtime_name == "onnx") is compiled
        expected = estimator.predict_proba(ROWS[:20])
        np.testing.assert_allclose(made.probabilities, expected, atol=1e-5)


def test_a_category_behind_an_imputer_may_be_missing() -> None:
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
    estimator = pipeline(words)
    feature = imported(estimator).schema.features[0]
    assert (feature.kind, feature.nullable, feature.closed) == ("category", True, True)
    made = imported(estimator)
    assert made.runtime_name == "onnx"
    row = [{"cat": None, "n": 0.5}]
    found = load_runtime("onnx", made.members).outputs(encoded(made.schema, row))
    expected = estimator.predict_proba(np.array([[np.nan, 0.5]], object))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_imputer_s_word_that_the_encoder_refuses_leaves_a_text() -> None:
    fill = SimpleImputer(strategy="constant", fill_value="none")
    for encoder, kind in (
        (OneHotEncoder(), "text"),
        (OneHotEncoder(handle_unknown="ignore"), "category"),
    ):
        found = with_categories(FEATURES, pipeline(make_pipeline(fill, encoder)))
        assert found[0].kind == kind


def test_a_column_that_something_else_reads_too_stays_a_text() -> None:
    estimator = pipeline(OneHotEncoder(), ("again", OneHotEncoder(handle_unknown="ignore"), [0]))
    assert with_categories(FEATURES, estimator) == FEATURES


def test_an_estimator_without_encoders_leaves_the_features_alone() -> None:
    forest = RandomForestClassifier(2).fit(ROWS[:, 1:], LABELS)
    assert with_categories(FEATURES[1:], forest) == FEATURES[1:]
