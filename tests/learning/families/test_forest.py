"""Forests in the neutral form."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from learning.compile.compilation import compile
from learning.families import family_of
from learning.families.forest import family, forest
from learning.forms.sources import CannotFold, columned
from learning.forms.trees import AtMost, Is, Split, every_test
from tables.schema import Target
from tests.learning.samples import batch, fitted, prepared, schema

ROWS = batch()


@pytest.mark.parametrize(
    "kind",
    [
        RandomForestClassifier,
        ExtraTreesClassifier,
        DecisionTreeClassifier,
        ExtraTreeClassifier,
        RandomForestRegressor,
    ],
)
def test_averaged_trees_are_its_own(kind):
    assert family_of(kind()) is family


def test_imputation_becomes_the_direction_of_missing_values():
    estimator = fitted(prepared(RandomForestClassifier(5, max_depth=4, random_state=0)))
    median = np.float32(np.nanmedian(ROWS.matrix[:, 2]))
    tests = list(every_test(family.fold(columned(estimator, schema()), 2)))
    weights = [t for t in tests if isinstance(t, AtMost) and t.feature == 2]
    assert weights
    assert all(t.missing == (median <= t.threshold) for t in weights)
    assert {t.feature for t in tests if isinstance(t, Is)} <= {1, 4}


def test_training_rows_weigh_the_branches():
    forest = RandomForestClassifier(1, max_depth=2, bootstrap=False, random_state=0)
    (tree,) = family.fold(columned(fitted(prepared(forest)), schema()), 2).trees
    assert isinstance(tree, Split)
    assert tree.rows == tree.yes.rows + tree.no.rows == len(ROWS.matrix)


def test_scaled_columns_and_missing_classes_are_refused():
    steps = [("p", SimpleImputer()), ("s", StandardScaler()), ("f", RandomForestClassifier(2))]
    with pytest.raises(CannotFold, match="scaled columns"):
        family.fold(columned(fitted(Pipeline(steps)), schema()), 2)
    estimator = fitted(prepared(RandomForestClassifier(2)), classes=3)
    with pytest.raises(CannotFold, match="not fitted on all classes"):
        family.fold(columned(estimator, schema()), 2)


def test_its_size_is_that_of_its_trees():
    estimator = fitted(prepared(RandomForestClassifier(7, max_depth=3, random_state=0)))
    assert family.size(estimator[-1]) == {"num_trees": 7, "max_depth": 3}


def test_forest_of_a_quantity_compiles_to_its_mean():
    quantity = msgspec.structs.replace(schema(), target=Target("y", (), "regression"))
    made = forest(quantity, 0, n_estimators=7, max_depth=4)
    values = np.random.default_rng(0).normal(1000, 50, len(ROWS.matrix))
    estimator = made.fit(ROWS.matrix, values)
    compiled = compile(estimator, quantity, [ROWS])
    assert isinstance(estimator[-1], RandomForestRegressor)
    assert (compiled.runtime.name, compiled.reason) == ("onnx", None)
    found = compiled.runtime.outputs(ROWS)
    assert found.shape == (len(values), 1)
    assert found[:, 0] == pytest.approx(estimator.predict(ROWS.matrix), abs=1e-5 * values.std())
