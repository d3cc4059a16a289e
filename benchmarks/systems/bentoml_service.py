"""The forest as a BentoML service."""

from __future__ import annotations

import bentoml
import pandas as pd


@bentoml.service(workers=1)
class Credit:
    def __init__(self) -> None:
        self.model = bentoml.sklearn.load_model("credit:latest")

    @bentoml.api
    def predict(self, rows: pd.DataFrame) -> list[float]:
        return list(self.model.predict_proba(rows)[:, 1])
