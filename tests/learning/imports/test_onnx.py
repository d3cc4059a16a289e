"""ONNX graphs of others: kept as they are, behind nodes that make their inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression, LogisticRegression

from errors import ModelFileError
from learning.imports.example import Example
from learning.imports.onnx import SLACK, TOLERANCE, import_onnx
from learning.runtimes import load_runtime
from tables.batch import Batch
from tables.schema import Feature

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


def test_what_is_no_classifier_is_refused() -> None:
    with pytest.raises(ModelFileError):
        import_onnx(graph(LinearRegression().fit(ROWS, ROWS[:, 0])), EXAMPLE, "y")


def test_another_number_of_columns_is_refused() -> None:
    data = graph(LogisticRegression().fit(ROWS, CLASSES), zipmap=False)
    example = Example(FEATURES[:1], [{"a": 1.0}], None, frozenset())
    with pytest.raises(ModelFileError, match="reads 2 columns; the example has 1"):
        import_onnx(data, example, "y")


@pytest.mark.parametrize("data", [b"", b"nothing of the kind", b"\x08\x07"])
def test_bytes_that_are_no_graph_are_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"not an \.onnx file"):
        import_onnx(data, EXAMPLE, "y")
