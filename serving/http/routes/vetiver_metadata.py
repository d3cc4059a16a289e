"""What vetiver's API tells of the default model besides its predictions."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint, Response

from serving.champions import Champions
from serving.exchange import Answer
from serving.http.operation import OBJECT, TEXT, Operation, array, content, described, every
from serving.http.wsgi import flask_response
from serving.protocols.vetiver import TAG, metadata, prototype

_REFUSES = (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
_METADATA = Operation(
    TAG,
    "The default model's version and libraries",
    content(
        every(
            user=OBJECT,
            version=TEXT,
            url={"type": ["string", "null"]},
            required_pkgs=array(TEXT),
            python_version={"type": ["array", "null"], "items": {"type": "integer"}},
        )
    ),
    _REFUSES,
)
_PROTOTYPE = Operation(
    TAG,
    "A row of the default model, as a JSON Schema with examples",
    content(every(properties=OBJECT, required=array(TEXT), title=TEXT, type=TEXT)),
    _REFUSES,
)


def vetiver_blueprint(champions: Champions, default_model: str) -> Blueprint:
    """Return the blueprint of `/metadata` and `/prototype`."""
    blueprint = Blueprint("vetiver", __name__)

    @blueprint.get("/metadata")
    @described(_METADATA)
    def get_metadata() -> Response:
        return _json(metadata(champions.live(default_model)))

    @blueprint.get("/prototype")
    @described(_PROTOTYPE)
    def get_prototype() -> Response:
        return _json(prototype(champions.live(default_model).schema))

    return blueprint


def _json(document: Any) -> Response:
    return flask_response(Answer(200, msgspec.json.encode(document)))
