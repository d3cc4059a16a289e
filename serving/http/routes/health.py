"""Liveness and readiness: the process answers; every wanted model is loaded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint

from serving.champions import Champions


def health_blueprint(champions: Champions) -> Blueprint:
    """Return the blueprint of `/health`, `/livez` and `/readyz`; never behind a key."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/health")
    def health() -> dict[str, str]:
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return {"msg": "this service is alive", "now": now}

    @blueprint.get("/livez")
    def livez() -> dict[str, str]:
        return {"status": "live"}

    @blueprint.get("/readyz")
    def readyz() -> tuple[dict[str, Any], int]:
        report = readiness(champions)
        return report, 503 if report["status"] == "unready" else 200

    return blueprint


def readiness(champions: Champions) -> dict[str, Any]:
    """Say what is loaded and what is wrong.

    `ready`: all wanted models are loaded and current. `degraded`: all are
    loaded, but something fails (a store out of reach, a refused artifact) and
    the old champions serve on. `unready`: a wanted model is missing.
    """
    lives, faults = champions.lives, champions.faults
    loaded = "degraded" if faults else "ready"
    return {
        "status": loaded if champions.ready else "unready",
        "models": {name: live.version for name, live in sorted(lives.items())},
        "faults": faults,
    }
