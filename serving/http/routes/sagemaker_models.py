"""What SageMaker calls a container for besides predictions.

docs.aws.amazon.com/sagemaker/latest/dg: your-algorithms-inference-code (/ping),
your-algorithms-batch-code (/execution-parameters), mms-container-apis (/models).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Protocol

import msgspec
from flask import Blueprint, Response, request

from errors import ParseError
from serving.champions import Champions
from serving.exchange import Answer
from serving.http.operation import (
    JSON,
    OBJECT,
    TEXT,
    Operation,
    content,
    described,
    listed,
    members,
)
from serving.http.wsgi import flask_response
from serving.protocols.sagemaker import TAG
from serving.refusals import BodyTooLarge

MEBIBYTE = 1024 * 1024
PONG = b'{"ping":"pong"}'
# Of a body that names a model to load.
MOST_BYTES = 4096
NOT_FOUND, UNAVAILABLE = HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE


_PING = Operation(TAG, "Is the container well?", {}, (UNAVAILABLE,), errors="self")
_EXECUTION = Operation(
    TAG,
    "How a batch transform is to ask",
    content(members("MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB")),
)
_MODELS = Operation(TAG, "The loaded models", listed("models"))
_MODEL = Operation(TAG, "One loaded model", content(OBJECT), (NOT_FOUND, UNAVAILABLE))
_LOAD = Operation(
    TAG,
    "Load a model",
    content(OBJECT),
    (
        HTTPStatus.BAD_REQUEST,
        NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        UNAVAILABLE,
    ),
    takes=content(members("model_name", model_name=TEXT, url=TEXT)),
)
_UNLOAD = Operation(TAG, "Unload a model", content(OBJECT), (NOT_FOUND,))


class Models(Protocol):
    """The models that the platform has put beside a multi-model container."""

    def load(self, name: str) -> None:
        """Load a model. Raises Conflict when it is loaded, ModelUnknown when there is none."""
        ...

    def unload(self, name: str) -> None:
        """Unload a model. Raises ModelUnknown when it is not loaded."""
        ...


class LoadRequest(msgspec.Struct):
    """A model to load. Its `url` is ignored: no path is ever made of a request."""

    model_name: str
    url: str = ""


def sagemaker_blueprint(
    champions: Champions,
    *,
    default_model: str,
    max_in_flight: int,
    max_body_bytes: int,
    model_folder: Models | None = None,
    multi_model: bool = False,
) -> Blueprint:
    """Return the blueprint; loading and unloading are there only with a model folder.

    A `multi_model` container has one, also where nothing may be loaded by a request.
    """
    blueprint = Blueprint("sagemaker", __name__)

    @blueprint.get("/ping")
    @described(_PING)
    def ping() -> Response:
        # A multi-model container is well with no model loaded yet.
        well = multi_model or model_folder is not None or default_model in champions.lives
        status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
        # SageMaker expects an empty body; who names JSON asks as vetiver's clients do.
        if JSON in request.headers.get("Accept", ""):
            return flask_response(Answer(status, PONG if well else b"{}"))
        return Response(status=status)

    @blueprint.get("/execution-parameters")
    @described(_EXECUTION)
    def execution_parameters() -> dict[str, Any]:
        return {
            "MaxConcurrentTransforms": max_in_flight,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": max(1, max_body_bytes // MEBIBYTE),
        }

    @blueprint.get("/models")
    @described(_MODELS)
    def models() -> Response:
        names = sorted(champions.lives)
        return _json({"models": [_entry(name) for name in names]})

    @blueprint.get("/models/<name>")
    @described(_MODEL)
    def model(name: str) -> Response:
        champions.live(name)
        return _json(_entry(name))

    if model_folder is not None:
        _add_loading(blueprint, model_folder)
    return blueprint


def _add_loading(blueprint: Blueprint, model_folder: Models) -> None:
    @blueprint.post("/models")
    @described(_LOAD)
    def load() -> Response:
        try:
            order = msgspec.json.decode(_small_body(), type=LoadRequest)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ParseError("expected a JSON object with model_name and url") from None
        model_folder.load(order.model_name)
        return _json(_entry(order.model_name))

    @blueprint.delete("/models/<name>")
    @described(_UNLOAD)
    def unload(name: str) -> Response:
        model_folder.unload(name)
        return _json({})


def _small_body() -> bytes:
    """Return the request's body. Raises BodyTooLarge for one of more than MOST_BYTES."""
    data: bytes = request.stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BodyTooLarge(f"a model to load is named in at most {MOST_BYTES} bytes")
    return data


def _entry(name: str) -> dict[str, str]:
    return {"modelName": name, "modelUrl": f"/models/{name}"}


def _json(document: Any) -> Response:
    return flask_response(Answer(200, msgspec.json.encode(document)))
