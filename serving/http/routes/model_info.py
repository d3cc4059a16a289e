"""What a model tells of itself: `/v0/model_info`, and by name."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint

from learning.intervals import INTERVALS
from serving.champions import Champions, Live
from serving.description import VALUES
from serving.exchange import Answer
from serving.http.operation import (
    OBJECT,
    TEXT,
    TIME,
    Operation,
    content,
    described,
    members,
)
from serving.http.wsgi import flask_response

_INFO = Operation(
    "Inspection",
    "What the champion tells of itself: importances, parameters, metrics, signature",
    content(
        members(
            *("name", "version", "label", "task", "metrics", "signature"),
            name=TEXT,
            version=TEXT,
            model_created_at=TIME,
            label=TEXT,
            task=TEXT,
            classes=VALUES,
            training_rows={"type": ["integer", "null"]},
            metrics=OBJECT,
            signature=OBJECT,
            runtime=OBJECT,
            libraries=OBJECT,
            sha256=TEXT,
        )
    ),
    (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
)


def inspection_blueprint(champions: Champions, default_model: str) -> Blueprint:
    """Return the blueprint of the model_info routes."""
    blueprint = Blueprint("inspection", __name__)

    @blueprint.get("/v0/model_info")
    @blueprint.get("/v0/models/<name>/model_info")
    @described(_INFO)
    def model_info(name: str = default_model) -> Any:
        described = describe_model(champions.live(name))
        return flask_response(Answer(200, msgspec.json.encode(described)))

    return blueprint


def describe_model(live: Live) -> dict[str, Any]:
    """Return everything that a live model tells of itself; keys that do not apply are absent."""
    manifest = live.manifest
    return {
        **{key: value for key, value in live.info.items() if key != INTERVALS},
        "name": live.name,
        "version": live.version,
        "model_created_at": manifest.created_at,
        "label": manifest.label,
        "task": live.schema.target.task,
        **({"classes": live.schema.target.classes} if live.schema.target.classes else {}),
        "training_rows": manifest.training_rows,
        "metrics": live.metrics,
        "signature": live.schema,
        "runtime": manifest.runtime,
        "libraries": manifest.libraries,
        "sha256": live.sha256,
    }
