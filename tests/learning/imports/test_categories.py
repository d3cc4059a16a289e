"""The categories of a pipeline's own encoders become those of the schema."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from learning.imports.categories import with_categories
from learning.imports.estimator import import_estimator
from learning.imports.example import Example
from learning.imports.imported import Imported
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


def test_an_encoder_that_is_not_folded_is_asked_with_its_words() -> None:
    estimator = pipeline(OrdinalEncoder())
    made = imported(estimator)
    assert made.schema.features[0].closed
    np.testing.assert_allclose(made.probabilities, estimator.predict_proba(ROWS[:20]), atol=1e-5)


def test_a_column_that_something_else_reads_too_stays_a_text() -> None:
    estimator = pipeline(OneHotEncoder(), ("again", OneHotEncoder(handle_unknown="ignore"), [0]))
    assert with_categories(FEATURES, estimator) == FEATURES


def test_an_estimator_without_encoders_leaves_the_features_alone() -> None:
    forest = RandomForestClassifier(2).fit(ROWS[:, 1:], LABELS)
    assert with_categories(FEATURES[1:], forest) == FEATURES[1:]
