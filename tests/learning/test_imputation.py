"""Imputation: a pipeline that fills in every missing value is known by asking it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from build_model import build_model
from learning.estimators import ready_made
from learning.families.boosting import boosting
from learning.families.forest import forest
from learning.families.logistic import logistic
from learning.imputation import imputes
from persistence.model_persistence import read_model
from tables.dataset import read_dataset
from tests.learning.tables import mixed_table, without
from tests.persistence.artifacts import make_registry

PLAIN = read_dataset(without(mixed_table(200), "comment"), "stays")
MIXED = read_dataset(mixed_table(200), "stays")


def fitted(estimator, dataset):
    from learning.runtimes.sklearn import estimator_input

    return estimator.fit(estimator_input(dataset.batch), dataset.target)


@pytest.mark.parametrize("dataset", [PLAIN, MIXED], ids=["plain", "mixed"])
@pytest.mark.parametrize("make", [forest, logistic])
def test_the_ready_made_preparation_fills_in_every_value(make, dataset):
    assert imputes(fitted(make(dataset.schema, 0), dataset), dataset.schema, dataset.batch)


def test_what_passes_a_missing_value_on_does_not_impute():
    for estimator in (
        boosting(PLAIN.schema, 0),
        DecisionTreeClassifier(),
        make_pipeline(StandardScaler(), DecisionTreeClassifier()),
    ):
        assert not imputes(fitted(estimator, PLAIN), PLAIN.schema, PLAIN.batch)


@pytest.mark.parametrize("estimator", ["forest", "logistic"])
def test_a_compiled_model_fills_in_as_its_estimator_does(estimator):
    table = without(mixed_table(200), "comment")
    registry = make_registry()
    build_model(ready_made("some", lambda: table, "stays", estimator), registry=registry)
    model = read_model("some", registry)
    assert model.schema.imputes is True
    assert model.artifact.manifest.runtime.compiled
    (always, *_) = [f for f in model.schema.features if not f.nullable]
    row = model.schema.example | {always.name: None}
    assert np.isfinite(model.outputs([row])).all()
