"""Files that a user already has, taken in and served."""

from __future__ import annotations

import json
import pickle
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import pytest
import skops.io
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import build_model
from errors import DependencyError, MiranteError, ModelFileError, RowsError
from import_model import import_model
from persistence.opening import open_registry
from persistence.registry import Registry
from serving.champions import Live, load_live
from tests.conftest import require
from tests.persistence.artifacts import make_registry

CATBOOST = "pip install -r requirements-catboost.txt"
ROWS = 200


@pytest.fixture
def registry() -> Registry:
    return make_registry()


@pytest.fixture(scope="module")
def numbers() -> np.ndarray:
    random = np.random.default_rng(0)
    return np.column_stack([random.normal(size=ROWS), random.integers(0, 9, ROWS)])


@pytest.fixture(scope="module")
def classes(numbers: np.ndarray) -> np.ndarray:
    return np.where(numbers[:, 0] + numbers[:, 1] / 9 > 0.5, "yes", "no")


@pytest.fixture
def table(tmp_path: Path, numbers: np.ndarray, classes: np.ndarray) -> Path:
    """A table of the same rows, with the label."""
    lines = [f"{a!r},{int(b)},{c}" for (a, b), c in zip(numbers.tolist(), classes, strict=True)]
    file = tmp_path / "table.csv"
    file.write_text("\n".join(["height,count,answer", *lines]))
    return file


@pytest.fixture
def row(tmp_path: Path) -> Path:
    file = tmp_path / "row.json"
    file.write_text(json.dumps({"height": 0.25, "count": 3}))
    return file


def served(registry: Registry, name: str = "mine") -> Live:
    """The model as the web process loads it, golden rows answered."""
    return load_live(registry.read_champion(name)[1])


def answers(live: Live, rows: np.ndarray) -> np.ndarray:
    objects = [{"height": a, "count": b} for a, b in rows.tolist()]
    return live.runtime.outputs(live.codec.encode_objects(objects))


# ---------------------------------------------------------------- estimators


def forest() -> Any:
    return RandomForestClassifier(10, random_state=0)


def boosting() -> Any:
    return HistGradientBoostingClassifier(max_iter=10)


def logistic() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression())


@pytest.mark.parametrize(
    ("ending", "make", "runtime"),
    [
        ("skops", forest, "onnx"),
        ("skops", boosting, "onnx"),
        ("skops", logistic, "linear"),
        ("joblib", forest, "onnx"),
        ("pkl", logistic, "linear"),
    ],
)
def test_an_estimator_of_numbers_is_compiled(
    ending, make, runtime, tmp_path, table, numbers, classes, registry
):
    estimator = make().fit(numbers, classes)
    file = tmp_path / f"model.{ending}"
    if ending == "skops":
        skops.io.dump(estimator, file)
    elif ending == "pkl":
        file.write_bytes(pickle.dumps(estimator))
    else:
        joblib.dump(estimator, file)
    options: dict[str, Any] = {"schema": table, "target": "answer", "trusted": ending != "skops"}
    taken = import_model(file, registry=registry, name="mine", **options)
    assert taken.promoted
    live = served(registry)
    assert (live.runtime.name, live.schema.target.classes) == (runtime, ("no", "yes"))
    assert not any(name.startswith("estimator") for name in taken.model.members)
    assert np.abs(answers(live, numbers) - estimator.predict_proba(numbers)).max() < 1e-5
    assert live.metrics["roc_auc"] > 0.9
    assert "may have been fitted" in live.metrics["notes"][0]


def test_the_categories_of_an_encoder_are_compiled(tmp_path, registry):
    require(find_spec("pandas") is not None, "pandas", CATBOOST)
    import pandas

    frame = pandas.DataFrame({"size": [1.0, 2.0, 3.0, 4.0] * 5, "colour": ["red", "blue"] * 10})
    prepare = ColumnTransformer([("colour", OneHotEncoder(), ["colour"])], remainder="passthrough")
    estimator = make_pipeline(prepare, LogisticRegression()).fit(frame, [0, 1] * 10)
    skops.io.dump(estimator, tmp_path / "model.skops")
    (tmp_path / "row.json").write_text('{"colour": "red", "size": 1.5}')
    file, schema = tmp_path / "model.skops", tmp_path / "row.json"
    taken = import_model(file, registry=registry, name="mine", schema=schema)
    colour, _ = taken.model.schema.features
    assert (colour.kind, colour.categories, colour.closed) == ("category", ("blue", "red"), True)
    answered = taken.model.probabilities[0]
    expected = estimator.predict_proba(pandas.DataFrame({"size": [1.5], "colour": ["red"]}))
    assert answered == pytest.approx(expected[0].tolist())


class Evil:
    """Runs code as it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return (Path.touch, (self.file,))


def test_a_pickle_is_read_only_when_trusted_and_never_here(tmp_path, row, registry, monkeypatch):
    file, touched = tmp_path / "model.pkl", tmp_path / "touched"
    file.write_bytes(pickle.dumps(Evil(touched)))
    with pytest.raises(ModelFileError, match="--i-trust-this-file"):
        import_model(file, registry=registry, name="mine", schema=row)
    assert not touched.exists()
    monkeypatch.setattr(joblib, "load", lambda file: pytest.fail("read in this process"))
    with pytest.raises(ModelFileError, match="cannot be taken in"):
        import_model(file, registry=registry, name="mine", schema=row, trusted=True)
    assert registry.names() == []


def test_what_only_a_pickle_could_hold_is_refused(tmp_path, row, numbers, classes, registry):
    own = FunctionTransformer(np.sort)
    estimator = make_pipeline(own, LogisticRegression()).fit(numbers, classes)
    joblib.dump(estimator, tmp_path / "model.joblib")
    options: dict[str, Any] = {"schema": row, "trusted": True}
    with pytest.raises(ModelFileError, match="served only as a pickle"):
        import_model(tmp_path / "model.joblib", registry=registry, name="mine", **options)
    assert registry.names() == []


def test_a_version_to_read_it_with_is_for_pickles_that_are_trusted(tmp_path, row, registry):
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04N.")
    (tmp_path / "model.cbm").write_bytes(b"CBM1")
    options = {"registry": registry, "name": "mine", "schema": row}
    for name, said in (
        ("model.pkl", "--i-trust-this-file"),
        ("model.cbm", "--with is for pickles"),
    ):
        with pytest.raises(ModelFileError, match=said):
            import_model(tmp_path / name, **options, made_by="scikit-learn==1.2.2")


def test_an_untrusted_type_in_a_skops_file_is_named(tmp_path, row, registry):
    skops.io.dump(Evil(tmp_path / "touched"), tmp_path / "model.skops")
    with pytest.raises(ModelFileError, match=r"types that are not trusted: .*Evil"):
        import_model(tmp_path / "model.skops", registry=registry, name="mine", schema=row)


def test_a_regressor_of_a_frame_is_served_and_a_row_that_it_refuses_is_named(tmp_path, registry):
    require(find_spec("pandas") is not None, "pandas", CATBOOST)
    import pandas

    frame = pandas.DataFrame({"size": [1.0, 2.0, 3.0, 4.0] * 5, "colour": ["red", "blue"] * 10})
    prepare = ColumnTransformer([("colour", OneHotEncoder(), ["colour"])], remainder="passthrough")
    estimator = make_pipeline(prepare, LinearRegression()).fit(frame, frame["size"] * 100)
    joblib.dump(estimator, tmp_path / "model.joblib")
    (tmp_path / "row.json").write_text('{"colour": "red", "size": 1.5}')
    file, schema = tmp_path / "model.joblib", tmp_path / "row.json"
    import_model(file, registry=registry, name="mine", schema=schema, trusted=True)
    live = served(registry)
    assert live.schema.target.task == "regression"
    batch = live.codec.encode_objects([{"colour": "blue", "size": 2.5}])
    assert live.runtime.outputs(batch)[0, 0] == pytest.approx(250)
    with pytest.raises(RowsError, match="does not fit"):
        live.codec.encode_objects([{"colour": "green", "size": 2.5}])


# ---------------------------------------------------------------- ONNX


def onnx_file(folder: Path, estimator: Any, **options: Any) -> Path:
    file = folder / "model.onnx"
    file.write_bytes(to_onnx(estimator, **options).SerializeToString())
    return file


@pytest.mark.parametrize("zipmap", [True, False])
def test_a_graph_of_one_input_is_served(zipmap, tmp_path, table, numbers, classes, registry):
    estimator = RandomForestClassifier(10, random_state=0).fit(numbers.astype(np.float32), classes)
    kinds = [("rows", FloatTensorType([None, 2]))]
    file = onnx_file(tmp_path, estimator, initial_types=kinds, options={"zipmap": zipmap})
    taken = import_model(file, registry=registry, name="mine", schema=table, target="answer")
    assert taken.model.parity is not None
    live = served(registry)
    assert live.schema.target.classes == ("no", "yes")
    assert np.abs(answers(live, numbers) - estimator.predict_proba(numbers)).max() < 1e-5


def test_no_probability_leaves_its_bounds(tmp_path, table, numbers, registry):
    # A sum of twenty float32 shares is 1.0000001 here and there.
    thirds = np.digitize(numbers[:, 0], [-0.5, 0.5])
    estimator = RandomForestClassifier(20, random_state=0).fit(numbers.astype(np.float32), thirds)
    kinds = [("rows", FloatTensorType([None, 2]))]
    file = onnx_file(tmp_path, estimator, initial_types=kinds, options={"zipmap": False})
    import_model(file, registry=registry, name="mine", schema=table, target="answer")
    answered = answers(served(registry), numbers)
    assert (answered.min(), answered.max()) == (0, 1)


def test_a_graph_of_an_input_a_feature_is_served(tmp_path, table, numbers, classes, registry):
    kinds = [(name, FloatTensorType([None, 1])) for name in ("count", "height")]
    estimator = make_pipeline(StandardScaler(), LogisticRegression())
    estimator.fit(numbers[:, ::-1], (classes == "yes").astype(int))
    file = onnx_file(tmp_path, estimator, initial_types=kinds)
    import_model(file, registry=registry, name="mine", schema=table, target="answer")
    live = served(registry)
    assert live.schema.target.classes == (0, 1)
    expected = estimator.predict_proba(numbers[:, ::-1])
    assert np.abs(answers(live, numbers) - expected).max() < 1e-5


def test_a_graph_that_reads_other_things_is_refused(tmp_path, row, numbers, classes, registry):
    estimator = RandomForestClassifier(2).fit(np.column_stack([numbers, numbers]), classes)
    file = onnx_file(tmp_path, estimator, initial_types=[("rows", FloatTensorType([None, 4]))])
    with pytest.raises(ModelFileError, match="reads 4 columns; the example has 2"):
        import_model(file, registry=registry, name="mine", schema=row)
    words = OneHotEncoder().fit([["a"], ["b"]])
    file = onnx_file(tmp_path, words, initial_types=[("words", StringTensorType([None, 1]))])
    with pytest.raises(ModelFileError, match="input words is not a tensor of numbers"):
        import_model(file, registry=registry, name="mine", schema=row)
    file.write_bytes(b"not a graph")
    with pytest.raises(ModelFileError, match=r"not an \.onnx file"):
        import_model(file, registry=registry, name="mine", schema=row)


# ---------------------------------------------------------------- CatBoost


@pytest.fixture
def catboost() -> Any:
    require(find_spec("catboost") is not None, "catboost", CATBOOST)
    import catboost

    return catboost


def fitted(catboost: Any, rows: Any, target: Any, file: Path, **options: Any) -> Any:
    settings = {"iterations": 20, "verbose": False, "allow_writing_files": False}
    model = catboost.CatBoostClassifier(**settings).fit(rows, target, **options)
    model.save_model(str(file))
    return model


@pytest.mark.parametrize("count", [2, 3])
def test_a_cbm_without_categories_is_compiled(
    count, catboost, tmp_path, table, numbers, classes, registry
):
    rows = numbers.copy()
    rows[::7, 0] = np.nan
    target = classes if count == 2 else np.where(numbers[:, 1] > 6, "much", classes)
    model = fitted(catboost, rows, target, tmp_path / "model.cbm")
    table.write_text(table.read_text() + "\n,4,yes")
    import_model(
        tmp_path / "model.cbm", registry=registry, name="mine", schema=table, target="answer"
    )
    live = served(registry)
    assert live.runtime.name == "onnx"
    expected = model.predict_proba(rows)
    objects = [{"height": None if a != a else a, "count": b} for a, b in rows.tolist()]
    answered = live.runtime.outputs(live.codec.encode_objects(objects))
    assert np.abs(answered - expected).max() < 1e-5


def test_a_cbm_with_categories_is_served_by_catboost(catboost, tmp_path, registry):
    random = np.random.default_rng(0)
    rows = [[x, c, int(k), bool(b)] for x, c, k, b in zip(
        random.normal(size=ROWS), random.choice(list("abc"), ROWS),
        random.integers(3, size=ROWS), random.random(ROWS) > 0.5, strict=True)]  # fmt: skip
    target = [int(row[0] > 0 or row[1] == "a") for row in rows]
    options = {"cat_features": [1, 2, 3]}
    model = fitted(catboost, rows, target, tmp_path / "model.cbm", **options)
    names = ("size", "colour", "code", "new")
    (tmp_path / "row.json").write_text(json.dumps(dict(zip(names, rows[0], strict=True))))
    file, schema = tmp_path / "model.cbm", tmp_path / "row.json"
    import_model(file, registry=registry, name="mine", schema=schema)
    live = served(registry)
    assert [f.kind for f in live.schema.features] == ["number", "text", "integer", "boolean"]
    objects = [dict(zip(names, row, strict=True)) for row in [*rows, [0.5, "never", 7, True]]]
    answered = live.runtime.outputs(live.codec.encode_objects(objects))
    expected = model.predict_proba([*rows, [0.5, "never", 7, True]])
    assert np.abs(answered - expected).max() < 1e-6


def test_without_catboost_one_line_says_how_to_have_it(tmp_path, row, registry, monkeypatch):
    monkeypatch.setitem(sys.modules, "catboost", None)
    (tmp_path / "model.cbm").write_bytes(b"CBM1")
    with pytest.raises(DependencyError, match=CATBOOST):
        import_model(tmp_path / "model.cbm", registry=registry, name="mine", schema=row)


# ---------------------------------------------------------------- the command, and what is refused


def test_a_second_import_waits_to_be_promoted(tmp_path, table, numbers, classes, registry):
    skops.io.dump(LogisticRegression().fit(numbers, classes), tmp_path / "model.skops")
    options = {"registry": registry, "name": "mine", "schema": table, "target": "answer"}
    first = import_model(tmp_path / "model.skops", **options)
    assert not import_model(tmp_path / "model.skops", **options).promoted
    assert registry.read_champion("mine")[0].version == first.version
    assert import_model(tmp_path / "model.skops", **options, promote="always").promoted


def test_the_command_line_takes_in_a_file(tmp_path, row, numbers, classes, monkeypatch, capsys):
    skops.io.dump(LogisticRegression().fit(numbers, classes), tmp_path / "model.skops")
    monkeypatch.setenv("MODEL_STORE", str(tmp_path / "models"))
    words = ["--import", str(tmp_path / "model.skops"), "--name", "loans", "--schema", str(row)]
    assert build_model.main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"]["promoted"] is True
    assert told["features"] == {"height": "number", "count": "number"}
    assert build_model.main(words) == 0
    assert "to promote it: python build_model.py --name loans" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "example", "message"),
    [
        ("model.zip", "{}", "of one of these kinds"),
        ("model.onnx", None, "needs --schema"),
        ("absent.onnx", '{"x": 1}', "cannot read"),
        ("model.skops", '{"x": 1}', r"not a \.skops file"),
        ("model.skops", '{"x": null}', "no value of x"),
        ("model.skops", '{"x": [1]}', "of several kinds, or of none, in x"),
        ("model.skops", '[{"x": 1}, {"y": 1}]', "the same names in each"),
        ("model.skops", "[]", "expected a row"),
        ("model.skops", "{", "not JSON"),
    ],
)
def test_what_cannot_be_taken_in_is_one_line(name, example, message, tmp_path, registry):
    for kind in ("model.zip", "model.onnx", "model.skops"):
        (tmp_path / kind).write_bytes(b"PK nothing")
    schema = None
    if example is not None:
        schema = tmp_path / "row.json"
        schema.write_text(example)
    with pytest.raises(MiranteError, match=message) as caught:
        import_model(tmp_path / name, registry=registry, name="mine", schema=schema)
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------- LightGBM


def test_lightgbm_s_text_alone_is_served_by_the_command(
    tmp_path, numbers, classes, monkeypatch, capsys
):
    names = ["height", "count"]
    data = lightgbm.Dataset(numbers, (classes == "yes").astype(int), feature_name=names)
    model = lightgbm.train({"objective": "binary", "verbosity": -1}, data, 10)
    model.save_model(tmp_path / "saved")
    monkeypatch.setenv("MODEL_STORE", str(tmp_path / "models"))
    words = ["--import", str(tmp_path / "saved"), "--name", "mine", "--classes", "no", "yes"]
    assert build_model.main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["features"] == {"height": "number", "count": "number"}
    assert told["info"]["proven_by"] == f"lightgbm {lightgbm.__version__}"
    live = served(open_registry(str(tmp_path / "models")))
    assert live.schema.target.classes == ("no", "yes")
    np.testing.assert_allclose(answers(live, numbers)[:, 1], model.predict(numbers), atol=1e-9)


def test_a_quantity_has_metrics_on_the_example_s_rows(tmp_path, numbers, registry):
    values = numbers[:, 0] * 10 + numbers[:, 1]
    data = lightgbm.Dataset(numbers, values, feature_name=["height", "count"])
    model = lightgbm.train({"objective": "regression", "verbosity": -1}, data, 20)
    model.save_model(tmp_path / "model.txt")
    rows = [
        f"{a!r},{int(b)},{v!r}" for (a, b), v in zip(numbers.tolist(), values.tolist(), strict=True)
    ]
    (tmp_path / "table.csv").write_text("\n".join(["height,count,price", *rows]))
    taken = import_model(
        tmp_path / "model.txt",
        registry=registry,
        name="mine",
        schema=tmp_path / "table.csv",
        target="price",
    )
    live = served(registry)
    assert live.metrics["r2"] > 0.5
    assert "price: a quantity" in taken.report()
    np.testing.assert_allclose(answers(live, numbers)[:, 0], model.predict(numbers))


def test_a_pickle_of_lightgbm_knows_its_classes(tmp_path, numbers, classes, registry):
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(numbers, classes)
    joblib.dump(model, tmp_path / "model.joblib")
    (tmp_path / "row.json").write_text(json.dumps({"height": 0.25, "count": 3}))
    options: dict[str, Any] = {"registry": registry, "name": "mine"}
    with pytest.raises(ModelFileError, match="--i-trust-this-file"):
        import_model(tmp_path / "model.joblib", **options)
    schema = tmp_path / "row.json"
    taken = import_model(tmp_path / "model.joblib", **options, schema=schema, trusted=True)
    assert taken.model.origin["imported_from"] == "a pickle of lightgbm"
    assert taken.model.origin["read_in"] in ("namespaces", "user", "limits")
    live = served(registry)
    assert live.schema.target.classes == ("no", "yes")
    np.testing.assert_allclose(answers(live, numbers), model.predict_proba(numbers), atol=1e-9)


def test_a_pipeline_that_ends_in_lightgbm_is_served_compiled(tmp_path, numbers, classes, registry):
    steps = ColumnTransformer([("all", SimpleImputer(), [0, 1])])
    model = make_pipeline(steps, lightgbm.LGBMClassifier(n_estimators=5, verbose=-1))
    model.fit(numbers, classes)
    joblib.dump(model, tmp_path / "model.pkl")
    skops.io.dump(model, tmp_path / "model.skops")
    (tmp_path / "row.json").write_text(json.dumps({"height": 0.25, "count": 3}))
    options: dict[str, Any] = {"registry": registry, "schema": tmp_path / "row.json"}
    for form, name in (("a pickle", "model.pkl"), ("a .skops file", "model.skops")):
        with pytest.raises(ModelFileError, match="--i-trust-this-file"):
            import_model(tmp_path / name, **options, name="mine")
        taken = import_model(tmp_path / name, **options, name="mine", trusted=True)
        assert taken.model.origin["imported_from"] == f"{form} of a pipeline with lightgbm"
        assert taken.model.runtime_name == "onnx"
    live = served(registry)
    assert live.schema.target.classes == ("no", "yes")
    np.testing.assert_allclose(answers(live, numbers), model.predict_proba(numbers), atol=1e-6)


def test_a_pickle_of_xgboost_is_served_without_it(tmp_path, numbers, registry):
    require(find_spec("xgboost") is not None, "XGBoost", "pip install -r requirements-xgboost.txt")
    import xgboost

    model = xgboost.XGBRegressor(n_estimators=5, n_jobs=1).fit(numbers, numbers[:, 0] * 10)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    (tmp_path / "row.json").write_text(json.dumps({"height": 0.25, "count": 3}))
    options: dict[str, Any] = {"schema": tmp_path / "row.json", "trusted": True}
    import_model(tmp_path / "model.pkl", registry=registry, name="mine", **options)
    live = served(registry)
    assert (live.runtime.name, live.schema.target.task) == ("onnx", "regression")
    np.testing.assert_allclose(answers(live, numbers)[:, 0], model.predict(numbers), rtol=1e-5)


# ---------------------------------------------------------------- MLflow


def test_an_mlflow_folder_is_served_with_its_own_example(tmp_path, numbers, classes, registry):
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(numbers, classes)
    skops.io.dump(model, tmp_path / "model.skops")
    document = {
        "flavors": {"lightgbm": {"data": "model.skops"}},
        "mlflow_version": "3.17.2",
        "saved_input_example_info": {"artifact_path": "input_example.json"},
        "signature": {"inputs": '[{"type": "long", "name": "count", "required": true}]'},
    }
    (tmp_path / "MLmodel").write_text(json.dumps(document))  # which is YAML too
    example = {"columns": ["height", "count"], "data": [[0.5, 3]]}
    (tmp_path / "input_example.json").write_text(json.dumps(example))
    options: dict[str, Any] = {"registry": registry, "name": "mine"}
    with pytest.raises(ModelFileError, match="--i-trust-this-file"):
        import_model(tmp_path, **options)
    taken = import_model(tmp_path, **options, trusted=True)
    assert taken.model.origin["imported_from"] == (
        "an MLflow folder (lightgbm): a .skops file of lightgbm"
    )
    assert taken.model.origin["made_with"] == "mlflow 3.17.2"
    live = served(registry)
    assert [f.kind for f in live.schema.features] == ["number", "integer"]
    np.testing.assert_allclose(answers(live, numbers), model.predict_proba(numbers), atol=1e-9)
