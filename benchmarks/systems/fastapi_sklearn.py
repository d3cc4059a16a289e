"""FastAPI and pydantic over the pickled scikit-learn pipeline."""

from __future__ import annotations

import joblib
import pandas as pd
from credit_row import Answer, Row
from fastapi import FastAPI

app = FastAPI()
model = joblib.load("credit.joblib")


@app.post("/predict")
def predict(row: Row) -> Answer:
    table = pd.DataFrame([row.model_dump()])
    probability = float(model.predict_proba(table)[0, 1])
    return Answer(approved=probability >= 0.5, probability=probability)
