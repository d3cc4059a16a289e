"""The Open Inference Protocol's routes besides inference: health and metadata."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint, Response

from errors import MiranteError
from serving.champions import Champions
from serving.exchange import Answer
from serving.http.wsgi import flask_response
from serving.protocols.oip import refuse
from serving.protocols.oip.tensors import metadata

# The server's version: what a client may rely on is the protocol's.
PROTOCOL = "2"


def oip_blueprint(champions: Champions) -> Blueprint:
    """Return the blueprint of `/v2` and what is under it; its errors are the protocol's."""
    blueprint = Blueprint("oip", __name__, url_prefix="/v2")
    blueprint.register_error_handler(MiranteError, _refuse)

    @blueprint.get("")
    def server() -> Response:
        return _json(server_metadata())

    @blueprint.get("/health/live")
    def live() -> Response:
        return _json({"live": True})

    @blueprint.get("/health/ready")
    def ready() -> Response:
        status = HTTPStatus.OK if champions.ready else HTTPStatus.SERVICE_UNAVAILABLE
        return _json({"ready": champions.ready}, status)

    @blueprint.get("/models/<name>")
    @blueprint.get("/models/<name>/versions/<version>")
    def model(name: str, version: str | None = None) -> Response:
        return _json(metadata(champions.live_version(name, version)))

    @blueprint.get("/models/<name>/ready")
    @blueprint.get("/models/<name>/versions/<version>/ready")
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
    return flask_response(refuse(error, ""))
