"""Boosted trees in the neutral form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)

from errors import RecipeError
from learning.families import family_of
from learning.families.boosting import boosting, family
from learning.forms.sources import CannotFold, columned
from learning.forms.trees import every_test
from learning.progress import SilentProgress
from tests.learning.samples import fitted, prepared, schema


def test_boosted_trees_are_its_own():
    assert family_of(HistGradientBoostingClassifier()) is family
    assert family_of(GradientBoostingClassifier()) is family


def test_missing_values_of_a_feature_that_has_none_are_nobodys_concern():
    estimator = fitted(HistGradientBoostingClassifier(max_iter=3, random_state=0))
    tests = list(every_test(family.fold(columned(estimator, schema()), 2)))
    assert {t.missing is None for t in tests if t.feature == 0} == {True}
    assert {t.missing is None for t in tests if t.feature == 2} == {False}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: prepared(GradientBoostingClassifier(loss="exponential")), "loss exponential"),
        (
            lambda: prepared(GradientBoostingClassifier(init=RandomForestClassifier(2))),
            "starts from another",
        ),
        (
            lambda: HistGradientBoostingClassifier(categorical_features=[1, 4]),
            "categories of its own",
        ),
    ],
)
def test_trees_that_are_not_folded_are_refused(make: Callable[[], Any], reason: str):
    with pytest.raises(CannotFold, match=reason):
        family.fold(columned(fitted(make()), schema()), 2)


@pytest.mark.parametrize(("classes", "trees"), [(2, 3), (3, 9)])
def test_each_class_has_its_own_trees(classes, trees):
    histograms = HistGradientBoostingClassifier(max_iter=3, max_depth=2, random_state=0)
    gradients = GradientBoostingClassifier(n_estimators=3, max_depth=2, random_state=0)
    for classifier in (histograms, gradients):
        size = family.size(fitted(prepared(classifier), classes)[-1])
        assert size == {"num_trees": trees, "max_depth": 2}


def test_it_reads_no_text():
    assert family.reads(schema())
    assert not family.reads(schema(texts=1))
    with pytest.raises(RecipeError, match="text0 is text"):
        boosting(schema(texts=1), 0)


@pytest.mark.parametrize("quantity", [False, True])
@pytest.mark.parametrize(("rows", "stops"), [(400, True), (30, False)])
def test_it_stops_when_rounds_bring_nothing_where_there_are_rows_to_tell_by(rows, stops, quantity):
    random = np.random.default_rng(0)
    matrix = random.normal(size=(rows, 3)).astype(np.float32)
    target = random.normal(size=rows) if quantity else np.arange(rows) % 2
    model = boosting(schema(), 0)[-1]
    if quantity:
        model = HistGradientBoostingRegressor(
            max_iter=500, early_stopping=True, n_iter_no_change=20, random_state=0
        )
    family.fit(model, matrix, target, SilentProgress())
    assert model.early_stopping is stops
    assert model.n_iter_ < 100 if stops else model.n_iter_ == 100
