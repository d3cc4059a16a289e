from __future__ import annotations

import base64
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import onnxruntime
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from learning.imports.conversion import converted
from tests.conftest import require

ROWS = np.column_stack([np.arange(60) % 7, np.arange(60) % 5]).astype(float)
CLASSES = np.where(ROWS.sum(axis=1) > 5, "yes", "no")


def graph_of(found: dict[str, Any]) -> Any:
    return onnxruntime.InferenceSession(base64.b64decode(found["graph"]))


def test_a_classifier_is_one_input_and_its_probabilities() -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, CLASSES)
    found = converted(model, ["a", "b"], ROWS.tolist())
    np.testing.assert_allclose(found["outputs"], model.predict_proba(ROWS), atol=1e-6)
    answered = graph_of(found).run(None, {"rows": ROWS.astype(np.float32)})[1]
    np.testing.assert_allclose(answered, found["outputs"], atol=1e-5)


@pytest.mark.parametrize(("scaled", "inputs"), [(True, ["b", "a"]), (False, ["rows"])])
def test_names_of_its_own_have_its_order(scaled: bool, inputs: list[str]) -> None:
    require(find_spec("pandas") is not None, "pandas", "pip install -r requirements-catboost.txt")
    pandas = import_module("pandas")
    plain = LogisticRegression()
    model = make_pipeline(StandardScaler(), plain) if scaled else plain
    model.fit(pandas.DataFrame(ROWS, columns=["b", "a"]), CLASSES)
    found = converted(model, ["a", "b"], ROWS.tolist())
    assert [given.name for given in graph_of(found).get_inputs()] == inputs
    assert found["order"] == ["b", "a"]
    frame = pandas.DataFrame(ROWS[:, ::-1], columns=["b", "a"])
    np.testing.assert_allclose(found["outputs"], model.predict_proba(frame), atol=1e-6)
    with pytest.raises(SystemExit, match="the example has other columns"):
        converted(model, ["a", "c"], ROWS.tolist())


def test_a_regressor_is_refused() -> None:
    with pytest.raises(SystemExit, match="not a classifier"):
        converted(LinearRegression().fit(ROWS, ROWS[:, 0]), ["a", "b"], ROWS.tolist())
