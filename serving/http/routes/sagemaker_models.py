"""What SageMaker calls a container for besides predictions.

docs.aws.amazon.com/sagemaker/latest/dg: your-algorithms-inference-code (/ping),
your-algorithms-batch-code (/execution-parameters), mms-container-apis (/models).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol

import msgspec
from flask import Blueprint, Response, request

from errors import ParseError
from serving.champions import Champions
from serving.exchange import Answer
from serving.http.operation import (
    INTEGER,
    JSON,
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
from serving.protocols.sagemaker import TAG
from serving.refusals import RequestError

MEBIBYTE = 1024 * 1024
PONG = b'{"ping":"pong"}'
# Of a body that names a model to load.
MOST_BYTES = 4096
# Models of one page of the list.
MOST_LISTED = 1000
NOT_FOUND, UNAVAILABLE = HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE


Entry = Callable[[str], dict[str, str]]

_PING = Operation(TAG, "Is the container well?", {}, (UNAVAILABLE,), errors="self")
_EXECUTION = Operation(
    TAG,
    "How a batch transform is to ask",
    content(every(MaxConcurrentTransforms=INTEGER, BatchStrategy=TEXT, MaxPayloadInMB=INTEGER)),
)
_LOADED = every(modelName=TEXT, modelUrl=TEXT)
_MODELS = Operation(
    TAG,
    "The loaded models, a page at a time",
    content(
        members(
            "models",
            models=array(_LOADED),
            nextPageToken=TEXT,
        )
    ),
    (HTTPStatus.BAD_REQUEST,),
    parameters=(
        {
            "name": "next_page_token",
            "in": "query",
            "description": "the nextPageToken of the page before",
            "schema": TEXT,
        },
        {
            "name": "limit",
            "in": "query",
            "description": "how many are told of at most",
            "schema": {"type": "integer", "minimum": 1, "maximum": MOST_LISTED},
        },
    ),
)
_MODEL = Operation(TAG, "One loaded model", content(_LOADED), (NOT_FOUND, UNAVAILABLE))
_LOAD = Operation(
    TAG,
    "Load a model",
    content(_LOADED),
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
    models_folder: str = "",
) -> Blueprint:
    """Return the blueprint; loading and unloading are there only with a model folder.

    A `multi_model` container has one, also where nothing may be loaded by a request;
    `models_folder` is its path, which the platform knows models by.
    """
    blueprint = Blueprint("sagemaker", __name__)
    entry = partial(_entry, models_folder)

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
        return _json(_page(sorted(champions.lives), entry))

    @blueprint.get("/models/<name>")
    @described(_MODEL)
    def model(name: str) -> Response:
        champions.live(name)
        return _json(entry(name))

    if model_folder is not None:
        _add_loading(blueprint, model_folder, entry)
    return blueprint


def _add_loading(blueprint: Blueprint, model_folder: Models, entry: Entry) -> None:
    @blueprint.post("/models")
    @described(_LOAD)
    def load() -> Response:
        body = small_body(MOST_BYTES, "a model to load")
        try:
            order = msgspec.json.decode(body, type=LoadRequest)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ParseError("expected a JSON object with model_name and url") from None
        model_folder.load(order.model_name)
        return _json(entry(order.model_name))

    @blueprint.delete("/models/<name>")
    @described(_UNLOAD)
    def unload(name: str) -> Response:
        model_folder.unload(name)
        return _json({})


def _entry(folder: str, name: str) -> dict[str, str]:
    return {
        "modelName": name,
        "modelUrl": f"{folder}/{name}/model" if folder else f"/models/{name}",
    }


def _page(names: list[str], entry: Entry) -> dict[str, Any]:
    """Return a page of the list, and the token of the next if there is one. Raises RequestError."""
    given = request.args.get("limit", str(MOST_LISTED))
    most = int(given) if re.fullmatch("[0-9]{1,4}", given) else 0
    if not 1 <= most <= MOST_LISTED:
        raise RequestError(f"limit: expected a number from 1 to {MOST_LISTED}")
    # The token is the last name that was told: a model that is unloaded meanwhile moves no other.
    left = [name for name in names if name > request.args.get("next_page_token", "")]
    page: dict[str, Any] = {"models": [entry(name) for name in left[:most]]}
    return page | ({"nextPageToken": left[most - 1]} if len(left) > most else {})


def _json(document: Any) -> Response:
    return flask_response(Answer(200, msgspec.json.encode(document)))
