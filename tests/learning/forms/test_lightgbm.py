"""LightGBM's model text, read without the library, and answered as the library does."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from learning.compile.compilation import compile_forest
from learning.forms.lightgbm import NEARLY_ZERO, read, trees
from learning.forms.sources import CannotFold, Columned, Number
from learning.forms.trees import Forest, Leaf, Link, Node
from learning.runtimes import load_runtime
from tables.batch import Batch

COLUMNS, CATEGORIES = 5, [3, 4]
ALL = Columned(None, [Number(i) for i in range(COLUMNS)], COLUMNS, frozenset(range(COLUMNS)))


def rows(seed: int = 0, count: int = 2000):
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(count, COLUMNS)).astype(np.float32)
    matrix[:, 3] = random.integers(0, 70, count)
    matrix[:, 4] = random.integers(0, 4, count)
    matrix[random.random((count, COLUMNS)) < 0.1] = np.nan
    matrix[:, 0] = np.nan_to_num(matrix[:, 0])
    return matrix


def learnt(objective: str, outputs: int = 1, **more):
    matrix = rows()
    score = np.nan_to_num(matrix[:, 0]) + np.nan_to_num(matrix[:, 3]) % 3 - 1
    values = {
        "binary": (score > 0).astype(int),
        "multiclass": np.digitize(score, [-0.5, 0.5]),
        "regression": score * 7 + 100,
    }[objective]
    parameters = {"objective": objective, "num_class": outputs, "verbosity": -1, **more}
    data = lightgbm.Dataset(matrix, values, categorical_feature=CATEGORIES)
    return lightgbm.train(parameters, data, 30)


def asked():
    """Rows with values at thresholds' own 0, unknown codes and missing values everywhere."""
    matrix = rows(1)
    matrix[::5, 3] = -1
    matrix[1::5, 4] = 99
    matrix[2::5, 0] = np.nan
    matrix[3::50, 1] = NEARLY_ZERO
    matrix[4::50, 1] = -NEARLY_ZERO
    return matrix


LINKS: dict[str, Link] = {"binary": "logistic", "multiclass": "softmax", "regression": "identity"}


@pytest.mark.parametrize(
    ("objective", "outputs", "more"),
    [
        ("binary", 1, {"max_cat_to_onehot": 1000}),
        ("binary", 1, {"max_cat_to_onehot": 1, "min_data_per_group": 5}),
        ("multiclass", 3, {"extra_trees": True}),
        ("regression", 1, {"use_missing": False}),
        ("regression", 1, {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}),
        ("binary", 1, {"num_leaves": 2, "learning_rate": 1e-9}),
    ],
)
def test_the_trees_answer_as_the_library(objective, outputs, more):
    made = learnt(objective, outputs, **more)
    text = read(made.model_to_string())
    forest = Forest(
        tuple(trees(text, ALL, outputs, (1.0,) * outputs)), COLUMNS, outputs, LINKS[objective]
    )
    found = compile_forest(forest, precise=True)
    answers = load_runtime(found.runtime_name, found.members).outputs(Batch(asked()))
    expected = made.predict(asked())
    expected = np.column_stack([1 - expected, expected]) if objective == "binary" else expected
    assert np.abs(answers - expected.reshape(answers.shape)).max() < 1e-6


def first_leaf(node: Node) -> Leaf:
    return node if isinstance(node, Leaf) else first_leaf(node.yes)


def test_weights_are_in_the_leaves():
    text = read(learnt("regression").model_to_string())
    for once, twice in zip(trees(text, ALL, 1, (1.0,)), trees(text, ALL, 1, (2.0,)), strict=True):
        first, second = first_leaf(once), first_leaf(twice)
        assert second.values[0] == pytest.approx(2 * first.values[0])


def test_what_is_no_text_or_not_whole_is_said():
    whole = learnt("binary").model_to_string()
    with pytest.raises(CannotFold, match="not LightGBM's model text"):
        read("<html>")
    with pytest.raises(CannotFold, match="cut off"):
        read(whole[: len(whole) // 3])
    damaged = whole.replace("left_child=", "left_child=9", 1)
    with pytest.raises(CannotFold, match="damaged"):
        list(trees(read(damaged), ALL, 1, (1.0,)))
    with pytest.raises(CannotFold, match="3 scores, not 1"):
        list(trees(read(learnt("multiclass", 3).model_to_string()), ALL, 1, (1.0,)))
