from __future__ import annotations

import numpy as np
import onnx
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from learning.compile.conversion import convert
from learning.forms.sources import CannotFold
from learning.runtimes.onnx import OnnxRuntime
from tables.batch import Batch

MATRIX = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
TARGET = (MATRIX.sum(axis=1) > 0).astype(int)


class Constant(ClassifierMixin, BaseEstimator):
    """A classifier that no converter knows."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> Constant:
        self.classes_ = np.unique(y)
        return self


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_converted_pipeline_answers_with_probabilities_alone() -> None:
    network = MLPClassifier((4,), max_iter=50, random_state=0)
    steps = [("scale", StandardScaler()), ("nothing", "passthrough"), ("network", network)]
    estimator = Pipeline(steps).fit(MATRIX, TARGET)
    model = convert(estimator, MATRIX)
    assert len(onnx.load_from_string(model).graph.output) == 1
    runtime = OnnxRuntime(model)
    assert runtime.quick
    for rows in (MATRIX, MATRIX[:1]):
        answers = runtime.outputs(Batch(rows))
        assert np.abs(answers - estimator.predict_proba(rows)).max() < 1e-5


def test_what_has_no_conversion_is_refused_in_one_line() -> None:
    with pytest.raises(CannotFold, match="skl2onnx: ") as raised:
        convert(Constant().fit(MATRIX, TARGET), MATRIX)
    assert "\n" not in str(raised.value)
