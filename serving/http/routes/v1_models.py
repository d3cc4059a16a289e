"""What KServe's protocol V1 and TensorFlow Serving tell of models besides predictions.

kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol and
www.tensorflow.org/tfx/serving/api_rest have the members; a client of either reads its own.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint, Response, g
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

from errors import MiranteError
from serving.champions import Champions, Live
from serving.exchange import Answer
from serving.http.operation import (
    BOOLEAN,
    OBJECT,
    TEXT,
    Operation,
    array,
    content,
    described,
    every,
    listed,
)
from serving.http.wsgi import flask_response
from serving.protocols.v1 import TAG, refuse

_LIST = Operation(TAG, "The live models", listed("models", TEXT), errors="oip")
_STATE = every(version=TEXT, state=TEXT, status=OBJECT)
_MODEL = Operation(
    TAG,
    "Is the model ready?",
    content(every(name=TEXT, ready=BOOLEAN, model_version_status=array(_STATE))),
    (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
    errors="oip",
)


class _BeforeColon(BaseConverter):
    """A part of a path that is not followed by `:predict`, which is a route of its own."""

    regex = "[^/:]+"


def v1_blueprint(champions: Champions) -> Blueprint:
    """Return the blueprint of `/v1/models` and of one of them; its errors are the protocol's."""
    blueprint = Blueprint("v1", __name__)
    blueprint.register_error_handler(MiranteError, _refuse)

    @blueprint.record
    def add_converter(state: BlueprintSetupState) -> None:
        state.app.url_map.converters["before_colon"] = _BeforeColon

    @blueprint.get("/v1/models")
    @described(_LIST)
    def models() -> Response:
        return _json({"models": sorted(champions.lives)})

    @blueprint.get("/v1/models/<before_colon:name>")
    @described(_MODEL)
    def model(name: str) -> Response:
        return _json(state(champions.live(name)))

    return blueprint


def state(live: Live) -> dict[str, Any]:
    """Return that a model is ready, in KServe's members and TensorFlow's."""
    version = {
        "version": live.version,
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    return {"name": live.name, "ready": True, "model_version_status": [version]}


def _json(document: Any) -> Response:
    return flask_response(Answer(200, msgspec.json.encode(document)))


def _refuse(error: MiranteError) -> Response:
    g.detail = str(error)
    return flask_response(refuse(error, ""))
