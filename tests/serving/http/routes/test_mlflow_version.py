"""MLflow's /version: a bare text, which its client returns as it is."""

from __future__ import annotations

from flask import Flask

from serving.http.routes.mlflow_version import mlflow_blueprint


def test_the_version_is_a_bare_text():
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(mlflow_blueprint())
    answer = app.test_client().get("/version")
    assert (answer.status_code, answer.text) == (200, "2.0.0")
