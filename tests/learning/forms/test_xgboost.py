"""XGBoost's JSON model, read without the library, and answered as the library does."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest

from learning.compile.compilation import compile_forest
from learning.forms.sources import CannotFold, Columned, Number
from learning.forms.xgboost import forest, read
from learning.runtimes import load_runtime
from tables.batch import Batch
from tests.conftest import require

COLUMNS = 5
KINDS = ["q", "q", "q", "c", "c"]
ALL = Columned(None, [Number(i) for i in range(COLUMNS)], COLUMNS, frozenset(range(COLUMNS)))


@pytest.fixture(scope="module")
def xgboost():
    found = find_spec("xgboost") is not None
    require(found, "XGBoost", "pip install -r requirements-xgboost.txt")
    return import_module("xgboost")


def rows(seed: int = 0, count: int = 1500):
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(count, COLUMNS)).round(1).astype(np.float32)
    matrix[:, 3] = random.integers(0, 40, count)
    matrix[:, 4] = random.integers(0, 4, count)
    matrix[random.random((count, COLUMNS)) < 0.1] = np.nan
    return matrix


def learnt(xgboost, objective: str, **more):
    matrix = rows()
    score = np.nan_to_num(matrix[:, 0]) + np.nan_to_num(matrix[:, 3]) % 3 - 1
    classes = np.digitize(score, [-0.5, 0.5])
    values = {"binary:logistic": score > 0.5, "multi:softprob": classes}.get(
        objective, np.exp(score)
    )
    data = xgboost.DMatrix(matrix, values, feature_types=KINDS, enable_categorical=True)
    return xgboost.train({"objective": objective, "nthread": 1, "seed": 0, **more}, data, 20)


@pytest.mark.parametrize(
    ("objective", "more"),
    [
        ("binary:logistic", {"max_cat_to_onehot": 100}),
        ("binary:logistic", {"max_cat_to_onehot": 1, "base_score": 0.2}),
        ("binary:logistic", {"booster": "dart", "rate_drop": 0.3}),
        ("multi:softprob", {"num_class": 3}),
        ("multi:softprob", {"num_class": 3, "num_parallel_tree": 2, "subsample": 0.5}),
        ("reg:squarederror", {"max_depth": 4}),
        ("count:poisson", {"max_depth": 4}),
    ],
)
def test_the_trees_answer_as_the_library(xgboost, objective, more):
    made = learnt(xgboost, objective, **more)
    folded = forest(read(bytes(made.save_raw("json"))), ALL)
    asked = rows(1)
    asked[::5, 3] = 39
    asked[1::5, 4] = 9
    asked[2::5, 3] = -1
    found = compile_forest(folded, precise=True)
    answers = load_runtime(found.runtime_name, found.members).outputs(Batch(asked))
    data = xgboost.DMatrix(asked, feature_types=KINDS, enable_categorical=True)
    expected = made.predict(data)
    if objective == "binary:logistic":
        expected = np.column_stack([1 - expected, expected])
    assert np.abs(answers / expected.reshape(answers.shape) - 1).max() < 1e-4
    assert np.abs(answers - expected.reshape(answers.shape)).max() < 1e-5 * expected.max()


def test_what_is_no_model_or_not_whole_is_said(xgboost):
    whole = bytes(learnt(xgboost, "binary:logistic").save_raw("json"))
    for data in (b"<html>", b"[]", whole[: len(whole) // 2]):
        with pytest.raises(CannotFold, match="not XGBoost's JSON model"):
            read(data)
    learner = read(whole)
    learner["gradient_booster"]["model"]["trees"][0]["right_children"][0] = 10**6
    with pytest.raises(CannotFold, match="damaged"):
        forest(learner, ALL)


def test_what_is_not_folded_is_said(xgboost):
    for more, reason in (
        ({"objective": "rank:pairwise"}, "objective"),
        ({"objective": "reg:squarederror", "booster": "gblinear"}, "not made of trees"),
    ):
        matrix = np.nan_to_num(rows())
        made = xgboost.train(more, xgboost.DMatrix(matrix, matrix[:, 0] > 0), 2)
        with pytest.raises(CannotFold, match=reason):
            forest(read(bytes(made.save_raw("json"))), ALL)
