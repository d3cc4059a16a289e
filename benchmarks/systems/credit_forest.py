"""The credit forest as a notebook trains it: pandas, a pipeline, 200 trees of depth 10.

Run by the Python of a system's own environment, so that the pickle fits its
scikit-learn: `python credit_forest.py credit.csv joblib|mlflow|bentoml`.
"""

from __future__ import annotations

import sys
from typing import Any

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

LABEL = "approved"
CATEGORIES = ["home", "marital", "records", "job"]


def train(path: str) -> tuple[Pipeline, pd.DataFrame]:
    """Return the fitted pipeline and the table's features."""
    table = pd.read_csv(path, dtype=dict.fromkeys(CATEGORIES, object))
    features = table.drop(columns=LABEL)
    numbers = [name for name in features.columns if name not in CATEGORIES]
    prepare = ColumnTransformer(
        [
            ("categories", OneHotEncoder(handle_unknown="ignore"), CATEGORIES),
            ("numbers", SimpleImputer(strategy="median"), numbers),
        ]
    )
    # The same settings as recipes/credit.py.
    forest = RandomForestClassifier(
        n_estimators=200, max_depth=10, min_samples_leaf=5, random_state=0, n_jobs=1
    )
    pipeline = Pipeline([("prepare", prepare), ("classifier", forest)])
    return pipeline.fit(features, table[LABEL].astype(bool)), features


def save_joblib(pipeline: Pipeline, features: pd.DataFrame) -> None:
    """Write `credit.joblib`, with the type of each column beside it."""
    import joblib

    joblib.dump(pipeline, "credit.joblib")
    features.dtypes.astype(str).to_json("columns.json")


def save_mlflow(pipeline: Pipeline, features: pd.DataFrame) -> None:
    """Write the folder `credit_model` that `mlflow models serve` takes."""
    import mlflow.sklearn
    from mlflow.models import infer_signature

    mlflow.sklearn.save_model(
        pipeline,
        "credit_model",
        pyfunc_predict_fn="predict_proba",
        signature=infer_signature(features, pipeline.predict_proba(features.head(50))),
        **_serialization(mlflow.sklearn),
    )


def _serialization(flavor: Any) -> dict[str, Any]:
    return {"serialization_format": flavor.SERIALIZATION_FORMAT_CLOUDPICKLE}


def save_bentoml(pipeline: Pipeline, features: pd.DataFrame) -> None:
    """Put the model into BentoML's own model store (BENTOML_HOME)."""
    import bentoml

    bentoml.sklearn.save_model("credit", pipeline)


SAVERS = {"joblib": save_joblib, "mlflow": save_mlflow, "bentoml": save_bentoml}

if __name__ == "__main__":
    SAVERS[sys.argv[2]](*train(sys.argv[1]))
