"""MLflow's `/version`: which of its protocols `/invocations` speaks."""

from __future__ import annotations

from flask import Blueprint, Response

from serving.exchange import Answer
from serving.http.operation import TEXT, Operation, described
from serving.http.wsgi import flask_response
from serving.protocols.sagemaker import TAG

# The first release with these envelopes: a client that looks sends those and no older ones.
VERSION = b"2.0.0"
_VERSION = Operation(TAG, "The version of MLflow's protocol", {"text/plain": {"schema": TEXT}})


def mlflow_blueprint() -> Blueprint:
    """Return the blueprint of `/version`."""
    blueprint = Blueprint("mlflow", __name__)

    @blueprint.get("/version")
    @described(_VERSION)
    def version() -> Response:
        return flask_response(Answer(200, VERSION, b"text/plain; charset=utf-8"))

    return blueprint
