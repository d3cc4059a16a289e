"""ONNX graphs of others: kept as they are, behind nodes that make their inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from errors import ModelFileError
from learning.imports.example import Example
from learning.imports.onnx import SLACK, TOLERANCE, import_onnx
from learning.runtimes import load_runtime
from tables.batch import Batch
from tables.schema import Feature, Target

ROWS = np.column_stack([np.arange(60) % 7, np.arange(60) % 5]).astype(np.float32)
CLASSES = np.where(ROWS.sum(axis=1) > 5, "yes", "no")
FEATURES = (Feature("a", "number", example=1.0), Feature("b", "number", example=2.0))
EXAMPLE = Example(FEATURES, [{"a": a, "b": b} for a, b in ROWS.tolist()], None, frozenset())


def graph(estimator: Any, **options: Any) -> bytes:
    return bytes(to_onnx(estimator, ROWS[:1], options=options or None).SerializeToString())


def test_a_classifier_answers_as_it_did() -> None:
    estimator = LogisticRegression().fit(ROWS, CLASSES)
    made = import_onnx(graph(estimator, zipmap=False), EXAMPLE, "y")
    assert (made.runtime_name, made.schema.target.classes) == ("onnx", ("no", "yes"))
    answers = load_runtime("onnx", made.members).outputs(Batch(ROWS))
    np.testing.assert_allclose(answers, estimator.predict_proba(ROWS), atol=1e-5)
    assert len(made.rows) == 20
    assert "an ONNX graph" in made.info["explanation"]["reason"]
    assert (SLACK, TOLERANCE) == (1e-4, 1e-6)


@pytest.mark.parametrize("names", [("no", "yes"), (3, 7), ("high", "low", "middle")])
def test_classes_that_plain_operators_pick_are_named(names: tuple[Any, ...]) -> None:
    """Of doubles, converters write no operator that names the classes."""
    given = [names[int(row[0]) % len(names)] for row in ROWS.tolist()]
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, given)
    inputs = [(name, DoubleTensorType([None, 1])) for name in ("a", "b")]
    last = id(estimator.steps[-1][1])
    model = to_onnx(estimator, initial_types=inputs, options={last: {"zipmap": False}})
    made = import_onnx(bytes(model.SerializeToString()), EXAMPLE, "y")
    assert made.schema.target.classes == names
    answers = load_runtime("onnx", made.members).outputs(Batch(ROWS))
    np.testing.assert_allclose(answers, estimator.predict_proba(ROWS), atol=1e-5)


@pytest.mark.parametrize("share", [1.0, 0.01])
def test_a_regressor_s_graph_answers_a_quantity(share: float) -> None:
    """Also where all its answers are between 0 and 1."""
    values = share * (ROWS[:, 0] + 2 * ROWS[:, 1])
    for estimator in (LinearRegression(), DecisionTreeRegressor(max_depth=3)):
        made = import_onnx(graph(estimator.fit(ROWS, values)), EXAMPLE, "y")
        assert made.schema.target == Target("y", task="regression")
        answers = load_runtime("onnx", made.members).outputs(Batch(ROWS))
        expected = estimator.predict(ROWS).reshape(-1, 1)
        np.testing.assert_allclose(answers, expected, atol=1e-5)
        assert load_runtime("onnx", made.members).outputs(Batch(ROWS[:1])).shape == (1, 1)


def plain_graph(low: float, high: float) -> bytes:
    """A graph without a name of what it is: a number a row, from `low` to `high`."""
    part = (high - low) / float(ROWS[:, 0].max())
    nodes = [
        helper.make_node("MatMul", ["rows", "weights"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["answer"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([part, 0.0], np.float32), "weights"),
        numpy_helper.from_array(np.array(low, np.float32), "shift"),
    ]
    given = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 2])
    told = helper.make_tensor_value_info("answer", TensorProto.FLOAT, [None])
    body = helper.make_graph(nodes, "plain", [given], [told], constants)
    opsets = [helper.make_opsetid("", 17)]
    made = helper.make_model(body, opset_imports=opsets, ir_version=8)
    return bytes(made.SerializeToString())


def test_a_graph_of_one_number_is_of_a_quantity_where_a_row_s_is_no_probability() -> None:
    made = import_onnx(plain_graph(-3.0, 9.0), EXAMPLE, "y")
    assert made.schema.target.task == "regression"
    answers = load_runtime("onnx", made.members).outputs(Batch(ROWS))
    np.testing.assert_allclose(answers[:, 0], ROWS[:, 0] * 2 - 3, atol=1e-5)


def test_what_answers_neither_classes_nor_one_number_is_refused() -> None:
    values = np.column_stack([ROWS[:, 0], ROWS[:, 1]])
    with pytest.raises(ModelFileError, match="not probabilities"):
        import_onnx(graph(LinearRegression().fit(ROWS, values)), EXAMPLE, "y")


def test_another_number_of_columns_is_refused() -> None:
    data = graph(LogisticRegression().fit(ROWS, CLASSES), zipmap=False)
    example = Example(FEATURES[:1], [{"a": 1.0}], None, frozenset())
    with pytest.raises(ModelFileError, match="reads 2 columns; the example has 1"):
        import_onnx(data, example, "y")


@pytest.mark.parametrize("data", [b"", b"nothing of the kind", b"\x08\x07"])
def test_bytes_that_are_no_graph_are_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"not an \.onnx file"):
        import_onnx(data, EXAMPLE, "y")
