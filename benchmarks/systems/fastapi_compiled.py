"""FastAPI and pydantic over this service's compiled file, through its own runtime.

Kinder to FastAPI than life: it gets our graph, and our code that feeds it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from credit_row import Answer, Row
from fastapi import FastAPI

from learning.runtimes.onnx import OnnxRuntime
from tables.batch import Batch

app = FastAPI()
runtime = OnnxRuntime(Path("compiled.onnx").read_bytes())
codes = {
    name: {value: float(i) for i, value in enumerate(values)}
    for name, values in json.loads(Path("categories.json").read_text()).items()
}


def encode_value(name: str, value: str | float | None) -> float:
    if value is None:
        return float("nan")
    if name in codes:
        return codes[name].get(str(value), -1.0)
    return float(value)


@app.post("/predict")
async def predict(row: Row) -> Answer:
    encoded = [encode_value(name, value) for name, value in row]
    batch = Batch(np.array([encoded], dtype=np.float32))
    probability = float(runtime.outputs(batch)[0, 1])
    return Answer(approved=probability >= 0.5, probability=probability)
