"""CatBoost: known by class, its columns, and the same model for the same seed."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.base import clone

from errors import DependencyError, RecipeError
from learning.families import family_of
from learning.families.catboost import UNKNOWN_CATEGORY, CatBoost, Column, catboost, family, table
from tables.batch import Batch
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
    assert table(rows, columns).tolist() == [
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
