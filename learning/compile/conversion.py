"""Converts a whole pipeline to ONNX with skl2onnx, where it cannot be folded."""

from __future__ import annotations

import warnings
from time import perf_counter
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from learning.forms.sources import CannotFold
from learning.runtimes.onnx import QUICK, OnnxRuntime
from tables.batch import Batch

# A row that takes longer, in seconds, is not answered on an event loop.
QUICK_ENOUGH = 0.0005


def convert(estimator: Any, matrix: NDArray[np.float32]) -> bytes:
    """Return the fitted pipeline as an ONNX model: float32 `[n, d]` in, probabilities `[n, k]` out.

    Raises CannotFold when skl2onnx has no conversion for a part of it.
    """
    model = _converted(estimator, matrix.shape[1])
    del model.graph.output[:-1]
    quick = _row_seconds(model.SerializeToString(), matrix[:1]) < QUICK_ENOUGH
    helper.set_model_props(model, {QUICK: str(quick).lower()})
    data: bytes = model.SerializeToString()
    return data


def _converted(estimator: Any, columns: int) -> onnx.ModelProto:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.pipeline import Pipeline

    if hasattr(estimator, "steps"):  # skl2onnx does not know the step "passthrough"
        estimator = Pipeline([(n, s) for n, s in estimator.steps if s != "passthrough"])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model: onnx.ModelProto = to_onnx(
                estimator,
                initial_types=[("columns", FloatTensorType([None, columns]))],
                options={"zipmap": False},
                target_opset={"": 18, "ai.onnx.ml": 3},
            )
            return model
    except Exception as error:  # it has no common error, and any part may be one it does not know
        raise CannotFold(f"skl2onnx: {type(error).__name__}: {_one_line(error)}") from None


def _one_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]


def _row_seconds(model: bytes, row: NDArray[np.float32]) -> float:
    """Return the median time of a prediction of one row."""
    try:
        runtime = OnnxRuntime(model)
        times = []
        for _ in range(21):
            started = perf_counter()
            runtime.outputs(Batch(row))
            times.append(perf_counter() - started)
    except Exception as error:  # ONNX Runtime's errors have no common base
        raise CannotFold(f"ONNX Runtime: {_one_line(error)}") from None
    return float(np.median(times))
