"""The path that Vertex AI asks a container of its own whether it may be sent predictions."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response

from serving.champions import Champions
from serving.exchange import Answer
from serving.http.operation import TEXT, Operation, content, described, every
from serving.http.wsgi import flask_response
from serving.protocols.v1 import TAG

_HEALTH = Operation(
    TAG,
    "Is the default model ready?",
    content(every(status=TEXT)),
    (HTTPStatus.SERVICE_UNAVAILABLE,),
    errors="self",
)


def vertex_blueprint(champions: Champions, default_model: str, path: str) -> Blueprint:
    """Return the blueprint of the one path, AIP_HEALTH_ROUTE."""
    blueprint = Blueprint("vertex", __name__)

    @blueprint.get(path)
    @described(_HEALTH)
    def health() -> Response:
        if default_model in champions.lives:
            return flask_response(Answer(HTTPStatus.OK, b'{"status":"ready"}'))
        return flask_response(Answer(HTTPStatus.SERVICE_UNAVAILABLE, b'{"status":"unready"}'))

    return blueprint
