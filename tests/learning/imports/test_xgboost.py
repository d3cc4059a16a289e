"""XGBoost's JSON and UBJ models: compiled, and answered as XGBoost answers them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from errors import MiranteError, ModelFileError
from learning.forms.ubj import decode
from learning.imports import boosted
from learning.imports.example import Example
from learning.imports.imported import encoded
from learning.imports.xgboost import import_xgboost
from learning.runtimes import load_runtime
from tables.schema import Feature
from tests.conftest import require

ROWS = 400
NAMES = ["size", "code", "new"]
GENERATOR = np.random.default_rng(0)
MATRIX = np.column_stack(
    [
        np.where(np.arange(ROWS) % 9 == 0, np.nan, GENERATOR.normal(size=ROWS).round(2)),
        GENERATOR.integers(0, 30, ROWS),
        GENERATOR.integers(0, 2, ROWS),
    ]
)
SCORE = np.nan_to_num(MATRIX[:, 0]) + MATRIX[:, 1] % 5 - 2
TARGETS: dict[str, Any] = {
    "binary:logistic": SCORE > 0,
    "multi:softprob": np.digitize(SCORE, [-0.5, 1.0]),
    "reg:squarederror": SCORE * 100,
    "count:poisson": np.exp(SCORE / 2).round(),
    "reg:gamma": np.exp(SCORE / 2),
}


@pytest.fixture(scope="module")
def xgboost() -> Any:
    require(find_spec("xgboost") is not None, "XGBoost", "pip install -r requirements-xgboost.txt")
    return import_module("xgboost")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library: its answers are asked in another process, which takes seconds."""
    monkeypatch.setattr(boosted, "find_spec", lambda name: None)


def table(xgboost: Any, rows: Any, target: Any = None) -> Any:
    return xgboost.DMatrix(
        rows,
        target,
        feature_names=NAMES,
        feature_types=["float", "c", "i"],
        enable_categorical=True,
    )


def learnt(xgboost: Any, objective: str = "binary:logistic", **more: Any) -> Any:
    classes = {"num_class": 3} if objective.startswith("multi") else {}
    settings = {"objective": objective, "nthread": 1, "seed": 0, "max_depth": 4, **classes, **more}
    return xgboost.train(settings, table(xgboost, MATRIX, TARGETS[objective]), 12)


def objects(rows: Any) -> list[dict[str, Any]]:
    return [
        {"size": None if a != a else a, "code": int(b), "new": bool(c)} for a, b, c in rows.tolist()
    ]


def answered(made: Any, rows: list[dict[str, Any]]) -> Any:
    return load_runtime(made.runtime_name, made.members).outputs(encoded(made.schema, rows))


def of_all(found: Any, objective: str) -> Any:
    """The answers of every class, of which XGBoost leaves out the first of two."""
    return np.column_stack([1 - found, found]) if objective == "binary:logistic" else found


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("form", ["json", "ubj"])
@pytest.mark.parametrize(
    ("objective", "more"),
    [
        ("binary:logistic", {"base_score": 0.2}),
        ("binary:logistic", {"booster": "dart", "rate_drop": 0.3, "max_cat_to_onehot": 100}),
        ("multi:softprob", {"num_parallel_tree": 2, "subsample": 0.5}),
        ("reg:squarederror", {}),
        ("count:poisson", {}),
        ("reg:gamma", {}),
    ],
)
def test_it_answers_as_xgboost_does(
    objective: str, more: dict[str, Any], form: str, xgboost: Any
) -> None:
    model = learnt(xgboost, objective, **more)
    made = import_xgboost(bytes(model.save_raw(form)), None, "y")
    assert [(f.name, f.kind) for f in made.schema.features] == [
        ("size", "number"), ("code", "integer"), ("new", "boolean"),
    ]  # fmt: skip
    asked = np.vstack([MATRIX, [[1e9, 77, 1], [-1e9, 3, 0]]])
    expected = of_all(model.predict(table(xgboost, asked)), objective)
    found = answered(made, objects(asked))
    np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=2e-5, atol=1e-6)


def test_contributions_are_xgboosts_own(xgboost: Any) -> None:
    model = learnt(xgboost)
    booster = getattr(model, "get_booster", lambda: model)()
    made = import_xgboost(bytes(booster.save_raw("json")), None, "y")
    assert made.info["explanation"]["proven"]["largest_difference"] <= 1e-6


def test_the_library_itself_is_asked_where_it_is(xgboost: Any) -> None:
    model = learnt(xgboost, "multi:softprob")
    made = import_xgboost(bytes(model.save_raw("ubj")), None, "y", ("a", "b", "c"))
    assert made.origin["proven_by"] == f"xgboost {xgboost.__version__}"
    assert made.schema.target.classes == ("a", "b", "c")
    assert made.parity is not None
    assert 0 < made.parity["largest_difference"] < 1e-5
    assert next(iter(made.info["feature_importances"])) in ("size", "code")


@pytest.mark.usefixtures("alone")
def test_words_are_those_that_the_file_names_and_no_others(xgboost: Any) -> None:
    require(find_spec("pandas") is not None, "pandas", "pip install -r requirements-catboost.txt")
    pandas = import_module("pandas")
    colours, sizes = ["red", "blue", "green"], [2, 3, 8, 9]
    frame = pandas.DataFrame(
        {
            "colour": pandas.Categorical([colours[i % 3] for i in range(ROWS)]),
            "size": pandas.Categorical([sizes[i % 4] for i in range(ROWS)]),
        }
    )
    target = [int(i % 3 == 1 or i % 4 == 2) for i in range(ROWS)]
    model = xgboost.XGBClassifier(n_estimators=5, enable_categorical=True, n_jobs=1)
    model.fit(frame, target)
    made = import_xgboost(bytes(model.get_booster().save_raw("json")), None, "y")
    colour, size = made.schema.features
    assert (colour.kind, colour.categories) == ("category", ("blue", "green", "red"))
    # XGBoost raises for a word that it never saw; the row is answered with 422.
    assert colour.closed
    assert size.kind == "integer"
    rows = [{"colour": c, "size": s} for c in colours for s in sizes]
    found = answered(made, rows)[:, 1]
    asked = pandas.DataFrame(rows)
    asked["colour"] = pandas.Categorical(asked["colour"], frame["colour"].cat.categories)
    asked["size"] = pandas.Categorical(asked["size"], frame["size"].cat.categories)
    np.testing.assert_allclose(found, model.predict_proba(asked)[:, 1], atol=1e-6)


@pytest.mark.usefixtures("alone")
def test_the_rounds_are_those_of_the_interface_that_saved_it(xgboost: Any, tmp_path: Path) -> None:
    rows, target = np.nan_to_num(MATRIX), TARGETS["binary:logistic"]
    model = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=3, n_jobs=1)
    model.fit(rows[:200], target[:200], eval_set=[(rows[200:], target[200:])], verbose=False)
    booster = model.get_booster()
    assert model.best_iteration + 1 < booster.num_boosted_rounds()
    model.save_model(tmp_path / "model.json")
    example = Example(tuple(Feature(n, "number", example=0.0) for n in NAMES), [], None)
    example = example._replace(rows=[dict(zip(NAMES, row, strict=True)) for row in rows.tolist()])
    made = import_xgboost((tmp_path / "model.json").read_bytes(), example, "y")
    np.testing.assert_allclose(answered(made, example.rows), model.predict_proba(rows), atol=1e-6)
    made = import_xgboost(bytes(booster.save_raw("json")), example, "y")
    expected = of_all(booster.predict(xgboost.DMatrix(rows)), "binary:logistic")
    np.testing.assert_allclose(answered(made, example.rows), expected, atol=1e-6)


@pytest.mark.usefixtures("alone")
def test_a_file_of_an_older_release_is_read(xgboost: Any) -> None:
    """Before 3.1 a base score is one number, before 1.3 no tree knows of categories."""
    rows = np.nan_to_num(MATRIX)
    model = xgboost.train(
        {"objective": "binary:logistic", "base_score": 0.25, "nthread": 1},
        xgboost.DMatrix(rows, TARGETS["binary:logistic"], feature_names=NAMES),
        5,
    )
    document = json.loads(bytes(model.save_raw("json")))
    learner = document["learner"]
    learner["learner_model_param"]["base_score"] = "2.5E-1"
    for one in ("feature_types", "attributes"):
        del learner[one]
    inner = learner["gradient_booster"]["model"]
    inner.pop("cats", None)
    for tree in inner["trees"]:
        for name in [n for n in tree if n.startswith("categories") or n == "split_type"]:
            del tree[name]
        tree["default_left"] = list(map(bool, tree["default_left"]))
    learner["attributes"] = {"some": float("nan")}  # which those before 2.0 write
    made = import_xgboost(json.dumps(document).encode(), None, "y")
    expected = of_all(model.predict(xgboost.DMatrix(rows, feature_names=NAMES)), "binary:logistic")
    found = answered(made, [dict(zip(NAMES, row, strict=True)) for row in rows.tolist()])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def change_of(*path: Any, value: Any) -> Callable[[Any], None]:
    def change(learner: Any) -> None:
        for key in path[:-1]:
            learner = learner[key]
        learner[path[-1]] = value

    return change


TREE = ("gradient_booster", "model", "trees", 0)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (change_of("feature_names", value=["a"]), "a name for every column"),
        (change_of("feature_names", value=["a", "a", "b"]), "names are none"),
        (change_of("objective", "name", value="rank:ndcg"), "objective is not folded"),
        (change_of("learner_model_param", "num_target", value="2"), "several targets"),
        (change_of("learner_model_param", "base_score", value="[1E0]"), "damaged"),
        (change_of("learner_model_param", "num_feature", value="-3"), "for every column"),
        (change_of("gradient_booster", "name", value="gblinear"), "not made of trees"),
        (change_of(*TREE, "left_children", 0, value=0), "damaged"),
        (change_of(*TREE, "split_indices", 0, value=99), "damaged"),
        (change_of(*TREE, "split_conditions", 0, value="x"), "damaged"),
        (change_of(*TREE, "categories", 0, value=1 << 31), "code is above"),
        (change_of("gradient_booster", value=[]), "damaged"),
    ],
)
def test_what_is_damaged_or_of_another_kind_is_one_line(
    change: Callable[[Any], None], said: str, xgboost: Any
) -> None:
    document = json.loads(bytes(learnt(xgboost).save_raw("json")))
    change(document["learner"])
    with pytest.raises(ModelFileError, match=said) as caught:
        import_xgboost(json.dumps(document).encode(), None, "y")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("form", ["json", "ubj"])
def test_a_half_and_a_damaged_file_are_known_errors_or_models(form: str, xgboost: Any) -> None:
    whole = bytes(learnt(xgboost, max_depth=2).save_raw(form))
    chance = random.Random(0)
    for _ in range(40):
        half = whole[: chance.randrange(len(whole))]
        with pytest.raises(ModelFileError, match="cut off"):
            import_xgboost(half, None, "y")
    for _ in range(80):
        mutant = bytearray(whole)
        mutant[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        with suppress(MiranteError):  # anything else fails
            import_xgboost(bytes(mutant), None, "y")


def test_both_forms_say_the_same(xgboost: Any) -> None:
    model = learnt(xgboost)
    assert decode(bytes(model.save_raw("ubj"))).keys() == {"learner", "version"}
    first, second = json.loads(bytes(model.save_raw("json"))), decode(bytes(model.save_raw("ubj")))
    trees = [d["learner"]["gradient_booster"]["model"]["trees"][0] for d in (first, second)]
    assert trees[0]["left_children"] == trees[1]["left_children"]
    conditions = [np.array(tree["split_conditions"], np.float32) for tree in trees]
    np.testing.assert_array_equal(conditions[0], conditions[1])


@pytest.mark.usefixtures("alone")
def test_words_that_the_file_has_lost_are_refused(xgboost: Any) -> None:
    document = json.loads(bytes(learnt(xgboost).save_raw("json")))
    enc: list[Any] = [{"offsets": [], "values": []} for _ in NAMES]
    enc[1] = {"offsets": [0, 1], "values": [-61]}
    document["learner"]["gradient_booster"]["model"]["cats"] = {"enc": enc}
    with pytest.raises(ModelFileError, match="not ASCII"):
        import_xgboost(json.dumps(document).encode(), None, "y")
