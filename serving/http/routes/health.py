"""Liveness and readiness: the process answers; every model that is followed is loaded."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint

from serving.auth import Guard
from serving.champions import Champions
from serving.http.access import sees_inside
from serving.http.operation import TEXT, Operation, content, described, every
from tables.json_schema import choice

_BY_MODEL = {"type": "object", "additionalProperties": TEXT}
_HEALTH = Operation("Health", "Is the service alive?", content(every(msg=TEXT, now=TEXT)))
_LIVE = Operation("Health", "Does the process answer?", content(every(status=TEXT)))
_READY = Operation(
    "Health",
    "Is every wanted model loaded?",
    content(
        every(status=choice(["ready", "degraded", "unready"]), models=_BY_MODEL, faults=_BY_MODEL)
    ),
    (HTTPStatus.SERVICE_UNAVAILABLE,),
    errors="self",
)


def health_blueprint(champions: Champions, guard: Guard) -> Blueprint:
    """Return the blueprint of `/health`, `/livez` and `/readyz`; never behind a key.

    Where prediction is, names and faults of models are for those who have one.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/health")
    @described(_HEALTH)
    def health() -> dict[str, str]:
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return {"msg": "this service is alive", "now": now}

    @blueprint.get("/livez")
    @described(_LIVE)
    def livez() -> dict[str, str]:
        return {"status": "live"}

    @blueprint.get("/readyz")
    @described(_READY)
    def readyz() -> tuple[dict[str, Any], int]:
        report = readiness(champions)
        status = 503 if report["status"] == "unready" else 200
        return report if sees_inside(guard) else {**report, "models": {}, "faults": {}}, status

    return blueprint


def readiness(champions: Champions) -> dict[str, Any]:
    """Say what is loaded and what is wrong.

    `ready`: all models that are followed are loaded and current. `degraded`: all are
    loaded, but something fails (a store out of reach, a refused artifact) and
    the old champions serve on. `unready`: one of them is missing.
    """
    lives, faults = champions.lives, champions.faults
    loaded = "degraded" if faults else "ready"
    return {
        "status": loaded if champions.ready else "unready",
        "models": {name: live.version for name, live in sorted(lives.items())},
        "faults": faults,
    }
