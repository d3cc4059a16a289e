"""What there is: the models, and the versions of each."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint

from persistence.registry import Registry
from serving.champions import Champions
from serving.http.exchange import Answer
from serving.http.wsgi import flask_response


def models_blueprint(champions: Champions, registry: Registry, default_model: str) -> Blueprint:
    """Return the blueprint of the routes that list models and versions."""
    blueprint = Blueprint("models", __name__)

    @blueprint.get("/v0/models")
    def models() -> Any:
        listed = [
            {
                "name": live.name,
                "version": live.version,
                "model_created_at": live.manifest.created_at,
                "label": live.manifest.label,
                "classes": live.schema.target.classes,
                "default": live.name == default_model,
            }
            for _, live in sorted(champions.lives.items())
        ]
        return flask_response(Answer(200, msgspec.json.encode({"models": listed})))

    @blueprint.get("/v0/models/<name>/versions")
    def versions(name: str) -> Any:
        listed = [found._asdict() for found in registry.versions(name)]
        return flask_response(Answer(200, msgspec.json.encode({"name": name, "versions": listed})))

    return blueprint
