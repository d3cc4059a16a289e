"""What there is: the models, and the versions of each."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint

from persistence.registry import Registry
from serving.champions import Champions
from serving.description import VALUES
from serving.exchange import Answer
from serving.http.operation import (
    BOOLEAN,
    INTEGER,
    TEXT,
    TIME,
    Operation,
    array,
    content,
    described,
    every,
    listed,
    members,
)
from serving.http.wsgi import flask_response

_MODEL = every(
    name=TEXT,
    version=TEXT,
    model_created_at=TIME,
    label=TEXT,
    task=TEXT,
    classes=VALUES,
    default=BOOLEAN,
)
_MODELS = Operation("Inspection", "The live models", listed("models", _MODEL))
_VERSION = members(
    *("version", "size", "champion", "challenger"),
    version=TEXT,
    created_at={"type": ["string", "null"], "format": "date-time"},
    size=INTEGER,
    champion=BOOLEAN,
    challenger=BOOLEAN,
)
_VERSIONS = Operation(
    "Inspection",
    "The versions of a model, the oldest first",
    content(every(name=TEXT, versions=array(_VERSION))),
    (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
)


def models_blueprint(champions: Champions, registry: Registry, default_model: str) -> Blueprint:
    """Return the blueprint of the routes that list models and versions."""
    blueprint = Blueprint("models", __name__)

    @blueprint.get("/v0/models")
    @described(_MODELS)
    def models() -> Any:
        found = [
            {
                "name": live.name,
                "version": live.version,
                "model_created_at": live.manifest.created_at,
                "label": live.manifest.label,
                "task": live.schema.target.task,
                "classes": live.schema.target.classes,
                "default": live.name == default_model,
            }
            for _, live in sorted(champions.lives.items())
        ]
        return flask_response(Answer(200, msgspec.json.encode({"models": found})))

    @blueprint.get("/v0/models/<name>/versions")
    @described(_VERSIONS)
    def versions(name: str) -> Any:
        found = [version._asdict() for version in registry.versions(name)]
        return flask_response(Answer(200, msgspec.json.encode({"name": name, "versions": found})))

    return blueprint
