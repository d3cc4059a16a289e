"""CatBoost: known by class, its columns, and the same model for the same seed."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.base import clone

from errors import DependencyError, RecipeError
from learning.compile.compilation import compile
from learning.explaining import explainer
from learning.explanation import INFO, explanation_of
from learning.families import catboost as catboost_module
from learning.families import family_of
from learning.families.catboost import (
    CATEGORIES,
    UNKNOWN_CATEGORY,
    CatBoost,
    Column,
    catboost,
    family,
)
from learning.families.catboost import table as written
from tables.batch import Batch
from tables.dataset import Dataset
from tables.schema import Schema, Target
from tests.conftest import require
from tests.learning.samples import batch, schema, target

INSTALL = "pip install -r requirements-catboost.txt"


def test_its_estimator_is_its_own_and_cloned_as_scikit_learn_clones():
    columns = (Column("category", 0, ("a", "b")),)
    made = clone(CatBoost(columns, iterations=7).set_params(seed=3))
    assert family_of(made) is family
    assert (made.columns, made.iterations, made.seed) == (columns, 7, 3)


def test_a_category_never_seen_has_a_text_of_its_own():
    columns = (Column("category", 0, ("a", "b")), Column("word", 1), Column("integer", 2))
    rows = Batch(np.array([[1, 0, 7], [-1, 1, np.nan]], dtype=np.float32))
    assert written(rows, columns).tolist() == [
        ["b", "False", "7"],
        [UNKNOWN_CATEGORY, "True", "<missing>"],
    ]


def test_two_runs_give_the_same_model():
    require(find_spec("catboost") is not None, "catboost", INSTALL)
    rows = batch()
    models = [catboost(schema(), 1, iterations=20).fit(rows.matrix, target(rows)) for _ in range(2)]
    assert np.array_equal(*(model.predict_proba(rows.matrix) for model in models))
    assert family.size(models[0][-1]) == {"num_trees": 20}


def test_it_reads_no_text():
    require(find_spec("catboost") is not None, "catboost", INSTALL)
    assert not family.reads(schema(texts=1))
    with pytest.raises(RecipeError, match="CatBoost reads no text here, and text0 is text"):
        catboost(schema(texts=1), 0)


def test_without_the_library_one_line_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "catboost", None)
    with pytest.raises(DependencyError, match=f"to install it: {INSTALL}$"):
        catboost(schema(), 0)


def numbers(classes: int) -> Dataset:
    """A table of numbers alone, some of them missing."""
    rows = batch()
    columns = [0, 2, 3, 5]
    features = tuple(schema().features[index] for index in columns)
    target_ = Target("label", tuple(range(classes)))
    made = Batch(np.ascontiguousarray(rows.matrix[:, columns]))
    return Dataset(Schema(features, target_), made, target(rows, classes))


@pytest.mark.parametrize("classes", [2, 3])
def test_without_categories_its_trees_are_served_and_explained_as_catboost_does(classes: int):
    require(find_spec("catboost") is not None, "catboost", INSTALL)
    import catboost as library

    table = numbers(classes)
    model = catboost(table.schema, 0, iterations=30, depth=4)
    model.fit(table.batch.matrix, table.target)
    compiled = compile(model, table.schema, [table.batch])
    assert (compiled.runtime.name, compiled.reason) == ("onnx", None)
    made = explanation_of(model, compiled.runtime, table, table)
    assert made.info[INFO]["cost"].startswith("microseconds a row")
    found = explainer.load(made.members, compiled.runtime, table.schema)
    assert found is not None
    own = library.CatBoostClassifier().load_model(blob=model[-1].model_)
    pool = library.Pool(table.batch.matrix)
    expected = own.get_feature_importance(pool, type="ShapValues").reshape(400, -1, 5)
    for output in range(expected.shape[1]):
        ours = found.explain(table.batch, [output] * 400)
        np.testing.assert_allclose(ours.contributions, expected[:, output, :4], atol=1e-6)
        np.testing.assert_allclose(ours.baselines, expected[:, output, 4], atol=1e-6)


@pytest.mark.parametrize(("depth", "most"), [(11, catboost_module.MOST_LEAVES), (4, 100)])
def test_trees_of_very_many_leaves_are_left_to_the_library(
    monkeypatch: pytest.MonkeyPatch, depth: int, most: int
):
    require(find_spec("catboost") is not None, "catboost", INSTALL)
    monkeypatch.setattr(catboost_module, "MOST_LEAVES", most)
    table = numbers(2)
    model = catboost(table.schema, 0, iterations=10, depth=depth)
    model.fit(table.batch.matrix, table.target)
    assert compile(model, table.schema, [table.batch]).runtime.name == "catboost"


def test_with_categories_it_says_why_it_is_not_explained():
    require(find_spec("catboost") is not None, "catboost", INSTALL)
    rows = batch()
    table = Dataset(schema(), rows, target(rows))
    model = catboost(table.schema, 0, iterations=5)
    model.fit(rows.matrix, table.target)
    compiled = compile(model, table.schema, [rows])
    assert compiled.runtime.name == "catboost"
    made = explanation_of(model, compiled.runtime, table, table)
    assert made.info[INFO] == {"reason": CATEGORIES}
