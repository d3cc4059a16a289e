"""The service's address alone: links to what there is, for programs."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response

from serving.exchange import Answer
from serving.http.operation import TEXT, Operation, content, described, every
from serving.http.wsgi import flask_response

LINKS = {
    "models": "/v0/models",
    "predict": "/v0/models/{name}/predict",
    "explain": "/v0/models/{name}/explain",
    "model_info": "/v0/models/{name}/model_info",
    "train": "/v0/models/{name}/train",
    "openapi": "/v0/openapi.json",
    "docs": "/docs",
    "ready": "/readyz",
}

_LINKS = Operation(
    "Inspection",
    "Links to what there is; a browser gets a page",
    content(every(**dict.fromkeys(LINKS, TEXT))),
)


def links_blueprint() -> Blueprint:
    """Return the blueprint of `/`."""
    blueprint = Blueprint("links", __name__)

    @blueprint.get("/")
    @described(_LINKS)
    def links() -> Response:
        return flask_response(Answer(200, msgspec.json.encode(LINKS)))

    return blueprint
