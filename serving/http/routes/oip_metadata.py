"""The Open Inference Protocol's routes besides inference: health and metadata."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint, Response, g

from errors import MiranteError
from serving.champions import Champions
from serving.exchange import Answer
from serving.http.operation import (
    BOOLEAN,
    INTEGER,
    TEXT,
    Operation,
    array,
    content,
    described,
    every,
)
from serving.http.wsgi import flask_response
from serving.protocols.oip import TAG, refuse
from serving.protocols.oip.tensors import metadata

# The server's version: what a client may rely on is the protocol's.
PROTOCOL = "2"

_TENSOR = every(name=TEXT, datatype=TEXT, shape=array(INTEGER))
_TENSORS = Operation(
    TAG,
    "A model's metadata: its inputs and outputs",
    content(
        every(
            name=TEXT,
            versions=array(TEXT),
            platform=TEXT,
            inputs=array(_TENSOR),
            outputs=array(_TENSOR),
        )
    ),
    (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
    errors="oip",
)
_MODEL_READY = _TENSORS._replace(
    summary="Is the model ready?", gives=content(every(name=TEXT, ready=BOOLEAN))
)
_METADATA = every(name=TEXT, version=TEXT, extensions=array(TEXT))
_SERVER = Operation(TAG, "The server's metadata", content(_METADATA))
_LIVE = Operation(TAG, "Does the process answer?", content(every(live=BOOLEAN)))
_READY = Operation(
    TAG,
    "Is every wanted model loaded?",
    content(every(ready=BOOLEAN)),
    (HTTPStatus.SERVICE_UNAVAILABLE,),
    errors="self",
)


def oip_blueprint(champions: Champions) -> Blueprint:
    """Return the blueprint of `/v2` and what is under it; its errors are the protocol's."""
    blueprint = Blueprint("oip", __name__, url_prefix="/v2")
    blueprint.register_error_handler(MiranteError, _refuse)

    @blueprint.get("")
    @described(_SERVER)
    def server() -> Response:
        return _json(server_metadata())

    @blueprint.get("/health/live")
    @described(_LIVE)
    def live() -> Response:
        return _json({"live": True})

    @blueprint.get("/health/ready")
    @described(_READY)
    def ready() -> Response:
        status = HTTPStatus.OK if champions.ready else HTTPStatus.SERVICE_UNAVAILABLE
        return _json({"ready": champions.ready}, status)

    @blueprint.get("/models/<name>")
    @blueprint.get("/models/<name>/versions/<version>")
    @described(_TENSORS)
    def model(name: str, version: str | None = None) -> Response:
        return _json(metadata(champions.live_version(name, version)))

    @blueprint.get("/models/<name>/ready")
    @blueprint.get("/models/<name>/versions/<version>/ready")
    @described(_MODEL_READY)
    def model_ready(name: str, version: str | None = None) -> Response:
        found = champions.live_version(name, version)
        return _json({"name": found.name, "ready": True})

    return blueprint


def server_metadata() -> dict[str, Any]:
    """Return what the protocol calls the server's metadata."""
    return {"name": "mirante", "version": PROTOCOL, "extensions": ["binary_tensor_data"]}


def _json(document: Any, status: int = 200) -> Response:
    return flask_response(Answer(status, msgspec.json.encode(document)))


def _refuse(error: MiranteError) -> Response:
    g.detail = str(error)
    return flask_response(refuse(error, ""))
