"""Pipelines of scikit-learn's that end in LightGBM or XGBoost: taken in whole, or refused."""

from __future__ import annotations

import pickle
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import lightgbm
import numpy as np
import pytest
from msgspec.structs import replace
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from errors import EquivalenceError, MiranteError, ModelFileError, RowsError
from learning.imports.example import Example, example_of
from learning.imports.imported import Imported, class_of, encoded
from learning.imports.isolated import HandedPipeline, read_pickle
from learning.imports.prepared import import_prepared
from learning.runtimes import load_runtime
from tests.conftest import require

COUNT = 200
RANDOM = np.random.default_rng(0)
AGE = np.where(RANDOM.random(COUNT) < 0.1, np.nan, RANDOM.integers(18, 80, COUNT) / 10)
TOWN = np.array(["Faro", "Lisboa", "Porto"], object)[RANDOM.integers(3, size=COUNT)]
TOWN[RANDOM.random(COUNT) < 0.1] = np.nan
SIZE = np.array(["l", "m", "s"], object)[RANDOM.integers(3, size=COUNT)]
ROWS = np.column_stack([AGE.astype(object), TOWN, SIZE])
SCORE = np.nan_to_num(AGE, nan=5.0) + 3 * (TOWN == "Porto") + 2 * (SIZE == "s")
TWO = np.where(SCORE > 6, "yes", "no")
THREE = np.select([SCORE < 5, SCORE < 7], ["low", "middle"], "high")
LIGHTGBM: dict[str, Any] = {"n_estimators": 12, "num_leaves": 7, "verbose": -1, "n_jobs": 1}
XGBOOST: dict[str, Any] = {"n_estimators": 12, "max_depth": 3, "n_jobs": 1}


def steps(size: Any = None, *number: Any, sparse: bool = False) -> ColumnTransformer:
    """What is usual before trees: imputers, then the encoders of categories."""
    town = OneHotEncoder(handle_unknown="ignore", sparse_output=sparse)
    return ColumnTransformer(
        [
            ("number", make_pipeline(SimpleImputer(strategy="median"), *number), [0]),
            ("town", make_pipeline(SimpleImputer(strategy="most_frequent"), town), [1]),
            ("size", size or OneHotEncoder(sparse_output=sparse), [2]),
        ],
        sparse_threshold=float(sparse),
    )


def xgboost() -> Any:
    require(find_spec("xgboost") is not None, "XGBoost", "pip install -r requirements-xgboost.txt")
    return import_module("xgboost")


def example() -> Example:
    values = [[None if value != value else value for value in row] for row in ROWS.tolist()]
    rows = [dict(zip(("age", "town", "size"), row, strict=True)) for row in values]
    return example_of(rows, "label")


def handed(model: Any, target: Any, prepared: Any = None) -> HandedPipeline:
    fitted = make_pipeline(steps() if prepared is None else prepared, model).fit(ROWS, target)
    found = read_pickle(pickle.dumps(fitted), example(), "label")
    assert isinstance(found, HandedPipeline)
    return found


@cache
def of_two_classes() -> HandedPipeline:
    return handed(lightgbm.LGBMClassifier(**LIGHTGBM), TWO)


def imported(found: HandedPipeline) -> Imported:
    return import_prepared(found, example(), "label", tuple(map(class_of, found.classes)))


def answer(made: Imported, **row: Any) -> Any:
    given = {"age": 4.5, "town": "Porto", "size": "s", **row}
    rows = encoded(made.schema, [given])
    return load_runtime(made.runtime_name, made.members).outputs(rows)[0].tolist()


@pytest.mark.parametrize("target", [TWO, THREE])
def test_lightgbm_answers_as_its_pipeline_does(target: Any) -> None:
    model = lightgbm.LGBMClassifier(**LIGHTGBM)
    made = imported(handed(model, target))
    assert made.schema.target.classes == tuple(sorted(set(target.tolist())))
    assert made.runtime_name == "onnx"
    assert made.parity is not None
    assert made.parity["rows"] > COUNT
    fitted = make_pipeline(steps(), model).fit(ROWS, target)
    for row in ([np.nan, np.nan, "l"], [7.9, "Braga", "s"], [2.0, "Faro", "m"]):
        given = [None if value != value else value for value in row]
        found = answer(made, **dict(zip(("age", "town", "size"), given, strict=True)))
        expected = fitted.predict_proba(np.array([row], object))[0]
        assert found == pytest.approx(expected.tolist(), abs=1e-6)


def test_an_encoder_s_categories_are_the_features_and_those_unseen_are_refused() -> None:
    made = imported(of_two_classes())
    town, size = made.schema.features[1:]
    assert (town.kind, town.categories, town.nullable) == (
        "category",
        ("Faro", "Lisboa", "Porto"),
        True,
    )
    assert (size.closed, size.nullable) == (True, False)
    with pytest.raises(RowsError, match="1 row"):
        answer(made, size="xxl")
    with pytest.raises(RowsError, match="1 row"):
        answer(made, size=None)


@pytest.mark.parametrize(
    "encoder",
    [OrdinalEncoder(), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)],
)
def test_quantities_over_ordinals(encoder: Any) -> None:
    model = lightgbm.LGBMRegressor(**LIGHTGBM)
    made = imported(handed(model, SCORE, steps(encoder)))
    fitted = make_pipeline(steps(encoder), model).fit(ROWS, SCORE)
    expected = fitted.predict(np.array([[4.5, "Porto", "s"]], object))
    assert answer(made) == pytest.approx(expected.tolist(), abs=1e-5)
    assert made.schema.features[2].closed is (encoder.handle_unknown == "error")
    if encoder.handle_unknown != "error":
        expected = fitted.predict(np.array([[4.5, "Porto", "xxl"]], object))
        assert answer(made, size="xxl") == pytest.approx(expected.tolist(), abs=1e-5)


@pytest.mark.parametrize("quantity", [False, True])
def test_xgboost_answers_as_its_pipeline_does(quantity: bool) -> None:
    library = xgboost()
    model = (library.XGBRegressor if quantity else library.XGBClassifier)(**XGBOOST)
    target = SCORE if quantity else (TWO == "yes").astype(int)
    made = imported(handed(model, target))
    assert made.schema.target.classes == (() if quantity else (0, 1))
    fitted = make_pipeline(steps(), model).fit(ROWS, target)
    ask = fitted.predict if quantity else fitted.predict_proba
    expected = np.ravel(ask(np.array([[4.5, "Braga", "s"]], object)))
    assert answer(made, town="Braga") == pytest.approx(expected.tolist(), abs=1e-5)


def test_xgboost_over_a_sparse_matrix_is_refused_with_the_way_out() -> None:
    found = handed(xgboost().XGBClassifier(**XGBOOST), TWO == "yes", steps(sparse=True))
    with pytest.raises(ModelFileError, match="sparse_output=False"):
        imported(found)


@pytest.mark.parametrize(
    ("prepared", "said"),
    [
        (steps(None, StandardScaler()), "trees stand on scaled columns; leave that step out"),
        (
            steps(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)),
            "OrdinalEncoder of words, whose unseen ones are not -1; leave that step out",
        ),
    ],
)
def test_what_trees_cannot_take_in_is_refused_in_one_line(prepared: Any, said: str) -> None:
    found = handed(lightgbm.LGBMClassifier(**LIGHTGBM), TWO, prepared)
    with pytest.raises(ModelFileError, match=said) as caught:
        imported(found)
    assert "\n" not in str(caught.value)


def test_what_a_process_hands_over_is_not_believed() -> None:
    found = of_two_classes()
    for other, kind in (
        (replace(found, outputs=[[0.5, 0.5]] * COUNT), EquivalenceError),
        (replace(found, outputs=[[1.0]]), EquivalenceError),
        (replace(found, classes=["a", "b", "c"]), ModelFileError),
        (replace(found, classes=[]), ModelFileError),
        (replace(found, model=b"tree\n"), ModelFileError),
        (replace(found, library="xgboost"), ModelFileError),
        (replace(found, skops=b"PK\x03\x04"), ModelFileError),
    ):
        with pytest.raises(MiranteError) as caught:
            imported(other)
        assert isinstance(caught.value, kind)


def test_a_booster_within_something_else_is_refused_with_the_way_out() -> None:
    model = CalibratedClassifierCV(lightgbm.LGBMClassifier(**LIGHTGBM), cv=2)
    fitted = make_pipeline(steps(), model).fit(ROWS, TWO)
    with pytest.raises(ModelFileError, match="the last step of a scikit-learn Pipeline"):
        read_pickle(pickle.dumps(fitted), example(), "label")
