"""What an expert writes by hand: FastAPI, pydantic and ONNX Runtime over the compiled forest.

`model.onnx` and `categories.json` are taken out of this service's own artifact:
the very same graph over the very same matrix. The view is `async`, since one
row takes less time than handing it to a thread.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
from credit_row import Answer, Row
from fastapi import FastAPI


def open_session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])


def read_codes() -> dict[str, dict[str, float]]:
    categories = json.loads(Path("categories.json").read_text())
    return {
        name: {value: float(i) for i, value in enumerate(values)}
        for name, values in categories.items()
    }


app = FastAPI()
session = open_session()
input_name = session.get_inputs()[0].name
output_names = [session.get_outputs()[-1].name]
codes = read_codes()


def encode(row: Row) -> list[float]:
    return [encode_value(name, value) for name, value in row]


def encode_value(name: str, value: str | float | None) -> float:
    if value is None:
        return float("nan")
    if name in codes:
        return codes[name].get(str(value), -1.0)
    return float(value)


@app.post("/predict")
async def predict(row: Row) -> Answer:
    matrix = np.array([encode(row)], dtype=np.float32)
    probability = float(session.run(output_names, {input_name: matrix})[0][0, 1])
    return Answer(approved=probability >= 0.5, probability=probability)
