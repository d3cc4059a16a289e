"""Logistic regressions in the neutral form."""

from __future__ import annotations

import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from learning.families import family_of
from learning.families.logistic import family
from learning.forms.sources import CannotFold, columned
from tests.learning.samples import fitted, prepared, schema


def test_it_is_known_by_class_and_not_by_name():
    namesake = type("LogisticRegression", (RandomForestClassifier,), {})
    heir = type("Heir", (LogisticRegression,), {})
    assert family_of(heir()) is family
    assert family_of(namesake()) is not family


def test_a_class_that_it_never_saw_is_refused():
    estimator = fitted(prepared(LogisticRegression(max_iter=2000)))
    with pytest.raises(CannotFold, match="not fitted on all classes"):
        family.fold(columned(estimator, schema(0, 1, 2)), 3)


def test_a_weight_for_each_column_of_the_second_of_two_classes():
    estimator = fitted(prepared(LogisticRegression(max_iter=2000)))
    linear = family.fold(columned(estimator, schema()), 2)
    assert len(linear.weights) == len(linear.intercepts) == 1
    assert len(linear.weights[0]) == len(linear.sources)
