"""The tutorial way: Flask, pandas and a pickled scikit-learn pipeline."""

from __future__ import annotations

from typing import Any

import joblib
import pandas as pd
from flask import Flask, jsonify, request

app = Flask(__name__)
model = joblib.load("credit.joblib")


@app.post("/predict")
def predict() -> Any:
    row = pd.DataFrame([request.get_json()])
    probability = model.predict_proba(row)[0, 1]
    return jsonify({"approved": bool(probability >= 0.5), "probability": float(probability)})
