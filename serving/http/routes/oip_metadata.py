"""The Open Inference Protocol's routes besides inference: health, metadata, the repository."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint, Response

from errors import ParseError
from serving.auth import Guard
from serving.champions import Champions
from serving.exchange import Answer
from serving.http.access import check_key
from serving.http.operation import (
    BOOLEAN,
    INTEGER,
    OBJECT,
    TEXT,
    Operation,
    array,
    content,
    described,
    every,
    members,
)
from serving.http.small_body import small_body
from serving.http.wsgi import flask_response
from serving.protocols.oip import TAG
from serving.protocols.oip.model_metadata import metadata
from serving.protocols.oip.options import EXTENSIONS
from serving.protocols.oip.repository import Repository

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


_MODEL_INDEX = Operation(
    TAG,
    "The models that there are, and whether each is ready",
    content(array(every(name=TEXT, version=TEXT, state=TEXT, reason=TEXT))),
    (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    takes=content(members(ready={"type": ["boolean", "null"]})),
    errors="oip",
)
_LOAD = Operation(
    TAG,
    "Load a model of MODELS_FOLDER",
    content(OBJECT),
    (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
    key="admin",
    errors="oip",
)
_UNLOAD = _LOAD._replace(summary="Unload a model of MODELS_FOLDER")
# Of a body that says which models are wanted.
MOST_BYTES = 4096


class IndexRequest(msgspec.Struct):
    """Which models are listed."""

    ready: bool | None = None


def oip_blueprint(repository: Repository, champions: Champions, guard: Guard) -> Blueprint:
    """Return the blueprint of `/v2` and what is under it."""
    blueprint = Blueprint("oip", __name__, url_prefix="/v2")
    _add_metadata(blueprint, champions)
    _add_repository(blueprint, repository, guard)
    return blueprint


def _add_metadata(blueprint: Blueprint, champions: Champions) -> None:

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


def _add_repository(blueprint: Blueprint, repository: Repository, guard: Guard) -> None:
    @blueprint.post("/repository/index")
    @described(_MODEL_INDEX)
    def index() -> Response:
        return _json(repository.index(_index_request().ready is True))

    @blueprint.post("/repository/models/<name>/load")
    @described(_LOAD)
    def load(name: str) -> Response:
        check_key(guard, "admin")
        repository.load(name)
        return _json({})

    @blueprint.post("/repository/models/<name>/unload")
    @described(_UNLOAD)
    def unload(name: str) -> Response:
        check_key(guard, "admin")
        repository.unload(name)
        return _json({})


def _index_request() -> IndexRequest:
    data = small_body(MOST_BYTES, "which models are listed")
    try:
        return msgspec.json.decode(data or b"{}", type=IndexRequest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ParseError("expected a JSON object, in it `ready`, true or false") from None


def server_metadata() -> dict[str, Any]:
    """Return what the protocol calls the server's metadata."""
    return {"name": "mirante", "version": PROTOCOL, "extensions": list(EXTENSIONS)}


def _json(document: Any, status: int = 200) -> Response:
    return flask_response(Answer(status, msgspec.json.encode(document)))
