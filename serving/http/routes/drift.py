"""What drift was found: `/v0/models/{name}/drift`. The worker computes it, this reads it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint

from serving.champions import Champions, Live
from serving.exchange import Answer
from serving.http.operation import OBJECT, TEXT, Operation, content, described, members
from serving.http.wsgi import flask_response

NO_LOG = "no prediction log: PREDICTION_LOG says where one is kept"
NO_REPORT = "no report yet: the worker has not looked at this model's rows"

Report = dict[str, Any]

_DRIFT = Operation(
    "Inspection",
    "Are inputs and scores other than in training, and does it hurt?",
    content(
        members(
            *("name", "version", "said"),
            name=TEXT,
            version=TEXT,
            said={"type": "array", "items": TEXT},
            alarm={"type": "boolean"},
            inputs=OBJECT,
            score=OBJECT,
            harm=OBJECT,
        )
    ),
    (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
)


def drift_blueprint(
    champions: Champions, read_report: Callable[[str], Report | None] | None
) -> Blueprint:
    """Return the blueprint of the drift route; `read_report` is None where nothing is logged."""
    blueprint = Blueprint("drift", __name__)

    @blueprint.get("/v0/models/<name>/drift")
    @described(_DRIFT)
    def drift(name: str) -> Any:
        live = champions.live(name)
        if read_report is None:
            found = _nothing(live, NO_LOG)
        else:
            found = read_report(name) or _nothing(live, NO_REPORT)
        if found.get("version") != live.version:
            found = {**found, "said": [_of_another(live), *found.get("said", [])]}
        return flask_response(Answer(200, msgspec.json.encode(found)))

    return blueprint


def _nothing(live: Live, reason: str) -> Report:
    return {"name": live.name, "version": live.version, "said": [reason]}


def _of_another(live: Live) -> str:
    return f"version {live.version} answers now, of which there is no report yet"
