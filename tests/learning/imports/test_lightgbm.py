"""LightGBM's model texts: compiled, and answered as LightGBM answers them."""

from __future__ import annotations

import random
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import lightgbm
import numpy as np
import pytest

from errors import EquivalenceError, MiranteError, ModelFileError
from learning.explaining import explainer
from learning.imports import boosted
from learning.imports.example import Example
from learning.imports.imported import encoded
from learning.imports.isolated import ask_library
from learning.imports.lightgbm import import_lightgbm
from learning.runtimes import load_runtime
from tables.schema import Feature
from tests.conftest import require

ROWS = 600
WORDS = [f"word {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
FEATURES = (
    Feature("two words", "number", True, minimum=-3, maximum=3, example=0.5),
    Feature("plain", "number", minimum=0, maximum=9, example=1.0),
    Feature("word", "text", True, example="word a"),
    Feature("code", "number", minimum=0, maximum=30, example=3.0),
)


def columns() -> dict[str, list[Any]]:
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=ROWS).round(2).tolist()
    words = generator.choice(WORDS, ROWS).tolist()
    return {
        "two words": [None if i % 9 == 0 else v for i, v in enumerate(numbers)],
        "plain": generator.integers(0, 10, ROWS).astype(float).tolist(),
        "word": [None if i % 11 == 0 else w for i, w in enumerate(words)],
        "code": generator.integers(0, 31, ROWS).astype(float).tolist(),
    }


GIVEN = columns()
OBJECTS = [dict(zip(GIVEN, row, strict=True)) for row in zip(*GIVEN.values(), strict=True)]
EXAMPLE = Example(FEATURES, OBJECTS, None)


def matrix() -> np.ndarray:
    """The rows as LightGBM is given them: words by their codes."""
    made = [
        [np.nan if v is None else WORDS.index(v) if isinstance(v, str) else v for v in values]
        for values in GIVEN.values()
    ]
    return np.array(made).T


SCORE = np.nan_to_num(matrix()[:, 0]) + np.nan_to_num(matrix()[:, 2]) % 5 - 2
VALUES = {
    "binary": (SCORE > 0).astype(int),
    "multiclass": np.digitize(SCORE, [-0.5, 1.0]),
    "regression": SCORE * 100,
    "poisson": np.exp(SCORE),
}


def learnt(objective: str = "binary", **more: Any) -> Any:
    data = lightgbm.Dataset(
        matrix(), VALUES[objective], feature_name=list(GIVEN), categorical_feature=[2, 3]
    )
    settings = {"objective": objective, "verbosity": -1, "min_data_per_group": 5, "seed": 0}
    classes = {"num_class": 3} if objective == "multiclass" else {}
    return lightgbm.train({**settings, **classes, **more}, data, 15)


def text_of(model: Any) -> str:
    """The model's text, with the words that pandas would have left behind it."""
    text: str = model.model_to_string()
    start = text.index("\npandas_categorical:")
    words = f'["{WORDS[0]}"' + "".join(f', "{word}"' for word in WORDS[1:]) + "]"
    codes = str(list(range(31)))
    return text[:start] + f"\npandas_categorical:[{words}, {codes}]\n"


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library: its answers are asked in another process, which takes seconds."""
    monkeypatch.setattr(boosted, "find_spec", lambda name: None)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("objective", "more"),
    [
        ("binary", {}),
        ("binary", {"sigmoid": 2.0, "max_cat_to_onehot": 100}),
        ("multiclass", {}),
        ("regression", {"use_missing": False}),
        ("poisson", {}),
    ],
)
def test_it_answers_as_lightgbm_does(objective: str, more: dict[str, Any]) -> None:
    model = learnt(objective, **more)
    made = import_lightgbm(text_of(model).encode(), EXAMPLE, "y")
    assert [f.kind for f in made.schema.features] == ["number", "number", "category", "integer"]
    assert made.schema.features[2].categories == tuple(WORDS)
    runtime = load_runtime(made.runtime_name, made.members)
    odd: list[dict[str, Any]] = [
        {"two words": None, "plain": None, "word": "never", "code": 99},
        {"two words": 1e9, "plain": -1e9, "word": None, "code": None},
    ]
    asked = np.vstack([matrix(), [[np.nan, np.nan, np.nan, 99], [1e9, -1e9, np.nan, np.nan]]])
    expected = model.predict(asked).reshape(len(asked), -1)
    if objective == "binary":
        expected = np.hstack([1 - expected, expected])
    found = runtime.outputs(encoded(made.schema, [*OBJECTS, *odd]))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert made.schema.target.task == (
        "regression" if objective in ("regression", "poisson") else "classification"
    )
    assert made.origin["proven_by"] == "the file's trees"


def test_the_library_itself_is_asked_where_it_is() -> None:
    made = import_lightgbm(text_of(learnt()).encode(), EXAMPLE, "y")
    assert made.parity is not None
    assert made.parity["largest_difference"] < 1e-9
    assert made.origin["proven_by"] == f"lightgbm {lightgbm.__version__}"
    assert next(iter(made.info["feature_importances"])) in ("word", "two words")
    assert made.info["num_trees"] == 15


@pytest.mark.usefixtures("alone")
def test_numbers_at_a_threshold_go_where_the_doubles_went() -> None:
    # The threshold between 0.14 and 0.16 is 0.15000000000000002; the float32 of 0.15 is above it.
    rows = np.repeat([[0.14], [0.16]], 50, axis=0)
    data = lightgbm.Dataset(rows, rows[:, 0] > 0.15)
    model = lightgbm.train({"objective": "binary", "verbosity": -1}, data, 3)
    made = import_lightgbm(model.model_to_string().encode(), None, "y")
    runtime = load_runtime(made.runtime_name, made.members)
    for value in (0.14, 0.15, 0.150001, 0.16):
        answered = runtime.outputs(encoded(made.schema, [{"Column_0": value}]))[0, 1]
        assert answered == pytest.approx(model.predict([[value]])[0], abs=1e-9)


@pytest.mark.usefixtures("alone")
def test_the_file_alone_is_enough_where_it_names_its_columns() -> None:
    made = import_lightgbm(text_of(learnt()).encode(), None, "y")
    names = [(f.name, f.kind) for f in made.schema.features]
    # LightGBM writes a blank of a name as an underscore.
    assert names == [
        ("two_words", "number"),
        ("plain", "number"),
        ("word", "category"),
        ("code", "integer"),
    ]
    assert made.schema.target.classes == (0, 1)
    assert made.schema.features[1].maximum == 9
    assert len(made.rows) == 20


@pytest.mark.usefixtures("alone")
def test_numbers_and_booleans_that_pandas_had_for_categories_are_asked_as_such() -> None:
    require(find_spec("pandas") is not None, "pandas", "pip install -r requirements-catboost.txt")
    pandas = import_module("pandas")
    words = pandas.Categorical([2, 3, 5, 8] * 50)
    truths = pandas.Categorical([True, False] * 100)
    frame = pandas.DataFrame({"size": words, "new": truths, "x": np.arange(200.0)})
    target = [int(size in (2, 8)) for size in words]
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, min_child_samples=2)
    model.fit(frame, target)
    made = import_lightgbm(model.booster_.model_to_string().encode(), None, "y")
    assert [f.kind for f in made.schema.features] == ["integer", "boolean", "number"]
    rows = [{"size": s, "new": n, "x": 5.0} for s in (2, 3, 5, 8) for n in (True, False)]
    found = load_runtime(made.runtime_name, made.members).outputs(encoded(made.schema, rows))
    asked = pandas.DataFrame(rows)
    asked["size"] = pandas.Categorical(asked["size"], words.categories)
    asked["new"] = pandas.Categorical(asked["new"], truths.categories)
    np.testing.assert_allclose(found, model.predict_proba(asked), atol=1e-9)


@pytest.mark.usefixtures("alone")
def test_classes_are_the_example_s_or_those_that_are_given() -> None:
    data = text_of(learnt()).encode()
    labels: list[str | None] = ["0", "1"] * 300
    made = import_lightgbm(data, EXAMPLE._replace(labels=labels), "y")
    assert made.schema.target.classes == (0, 1)
    made = import_lightgbm(data, EXAMPLE._replace(labels=["true", "False"] * 300), "y")
    assert made.schema.target.classes == (False, True)
    words = EXAMPLE._replace(labels=["yes", "no"] * 300)
    with pytest.raises(ModelFileError, match="say them in the model's order: --classes"):
        import_lightgbm(data, words, "y")
    assert import_lightgbm(data, words, "y", ("no", "yes")).schema.target.classes == ("no", "yes")
    with pytest.raises(ModelFileError, match="has 2 classes, not 3"):
        import_lightgbm(data, words, "y", ("a", "b", "c"))


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("features", "said"),
    [
        (FEATURES[:3], "reads 4 columns; the example has 3"),
        ((*FEATURES[:3], Feature("other", "number", example=1.0)), "reads a column code"),
        ((*FEATURES[:2], Feature("word", "number", example=1.0), FEATURES[3]), "reads words in"),
        ((FEATURES[0], Feature("plain", "text", example="x"), *FEATURES[2:]), "as a number"),
    ],
)
def test_an_example_of_other_columns_is_refused(features: Any, said: str) -> None:
    with pytest.raises(ModelFileError, match=said):
        import_lightgbm(text_of(learnt()).encode(), EXAMPLE._replace(features=features), "y")


def test_answers_other_than_the_library_s_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = text_of(learnt()).encode()
    other = text_of(learnt(learning_rate=0.2)).encode()
    monkeypatch.setattr(boosted, "ask_library", lambda data, question: ask_library(other, question))
    with pytest.raises(EquivalenceError, match="differ"):
        import_lightgbm(data, EXAMPLE, "y")


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("objective=binary sigmoid:1", "objective=lambdarank"), "objective is not folded"),
        (("pandas_categorical:[", "pandas_categorical:[["), "cut off in its categories"),
        (("max_feature_idx=3", "max_feature_idx=4"), "a name for every column"),
        (("feature_names=two_words plain", "feature_names=plain plain"), "have one name"),
        (("left_child=", "left_child=0 "), "tree 0 is damaged"),
        (("\nend of parameters", ""), "cut off: download it again"),
        (("is_linear=0", "is_linear=1"), "linear trees"),
    ],
)
def test_what_is_damaged_or_of_another_kind_is_one_line(change: Any, said: str) -> None:
    text = text_of(learnt())
    assert change[0] in text
    with pytest.raises(ModelFileError, match=said) as caught:
        import_lightgbm(text.replace(change[0], change[1], 1).encode(), EXAMPLE, "y")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("alone")
def test_a_half_and_a_damaged_text_are_known_errors_or_models() -> None:
    whole = text_of(learnt("multiclass", num_leaves=4)).encode()
    chance = random.Random(0)
    halves = [whole[: chance.randrange(len(whole))] for _ in range(40)]
    flipped = [bytearray(whole) for _ in range(120)]
    for mutant in flipped:
        mutant[chance.randrange(len(whole) // 2)] ^= 1 << chance.randrange(8)
    for data in (*halves, *map(bytes, flipped)):
        with suppress(MiranteError):  # anything else fails
            import_lightgbm(data, None, "y")


@pytest.mark.usefixtures("alone")
def test_a_text_with_windows_lines_is_the_same() -> None:
    text = text_of(learnt())
    made = import_lightgbm(text.replace("\n", "\r\n").encode(), EXAMPLE, "y")
    assert made.probabilities == import_lightgbm(text.encode(), EXAMPLE, "y").probabilities


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("objective", ["binary", "multiclass", "regression", "poisson"])
def test_contributions_are_lightgbms_own(objective: str) -> None:
    booster = learnt(objective)
    made = import_lightgbm(text_of(booster).encode(), EXAMPLE, "y")
    runtime = load_runtime(made.runtime_name, made.members)
    found = explainer.load(made.members, runtime, made.schema)
    assert found is not None, made.info
    assert made.info["explanation"]["kind"] == "path_dependent"
    ours = found.explain(encoded(made.schema, OBJECTS[:50]), [0] * 50)
    expected = np.asarray(booster.predict(matrix()[:50], pred_contrib=True))[:, :5]
    np.testing.assert_allclose(ours.contributions, expected[:, :4], atol=1e-6)
    np.testing.assert_allclose(ours.baselines, expected[:, 4], atol=1e-6)
