"""How the answers did, by what came true: `GET /v0/models/{name}/performance`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from errors import Overloaded
from serving.champions import Champions
from serving.exchange import Answer
from serving.http.operation import OBJECT, TEXT, Operation, content, described, members
from serving.http.wsgi import flask_response
from serving.refusals import RequestError

# Of a model's name, days, version and hold-out: how it did, as JSON. Raises MiranteError.
Ask = Callable[[str, int, str, dict[str, Any]], bytes]

# Seconds that an answer is given again; many may look, and each look reads the log.
FRESH = 60.0
# Seconds that it is given, with the moment that it is of, where there is no time for another.
KEPT = 3600.0
MOST_DAYS = 366
_COUNT = {"type": "integer", "minimum": 0}
_NUMBER = {"type": "number"}
_METRIC = members("value", value=_NUMBER, low=_NUMBER, high=_NUMBER, holdout=_NUMBER)
_PERFORMANCE = Operation(
    "Monitoring",
    "The metrics of what was answered on what came true, with intervals, beside the hold-out's",
    content(
        members(
            "model",
            "version",
            "days",
            "predictions",
            "with_truth",
            "metrics",
            model=TEXT,
            version=TEXT,
            days=_COUNT,
            predictions=_COUNT,
            with_truth=_COUNT,
            unusable_truths=_COUNT,
            metrics={"type": "object", "additionalProperties": _METRIC},
            other_versions={"type": "array", "items": OBJECT},
            shadows={"type": "array", "items": OBJECT},
        )
    ),
    (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
    parameters=(
        {
            "name": "days",
            "in": "query",
            "description": "of the last so many days; 7 unless it is given",
            "schema": {"type": "integer", "minimum": 1, "maximum": MOST_DAYS},
        },
    ),
)


def performance_blueprint(champions: Champions, ask: Ask) -> Blueprint:
    """Return the blueprint of the route that tells how a model did."""
    blueprint = Blueprint("performance", __name__)
    recent = Recent(ask)

    @blueprint.get("/v0/models/<name>/performance")
    @described(_PERFORMANCE)
    def performance(name: str) -> Response:
        live = champions.live(name)
        days = _days(request.args.get("days", "7"))
        return flask_response(Answer(200, recent.ask(name, days, live.version, live.metrics)))

    return blueprint


def _days(given: str) -> int:
    if not (given.isascii() and given.isdigit() and 1 <= int(given[:9]) <= MOST_DAYS):
        raise RequestError(f"days: expected an integer from 1 to {MOST_DAYS}")
    return int(given)


class Recent:
    """Asks, one at a time, and gives the answer again for a while, and longer if it must."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, int, str], tuple[float, bytes]] = {}

    def ask(self, name: str, days: int, version: str, holdout: dict[str, Any]) -> bytes:
        """Return how a version did. Raises as what is asked does."""
        key = name, days, version
        with self._lock:
            now = time.monotonic()
            self._kept = {k: v for k, v in self._kept.items() if v[0] > now - KEPT}
            if key not in self._kept or self._kept[key][0] <= now - FRESH:
                self._renew(key, now, holdout)
            return self._kept[key][1]

    def _renew(self, key: tuple[str, int, str], now: float, holdout: dict[str, Any]) -> None:
        name, days, version = key
        try:
            self._kept[key] = now, self._ask(name, days, version, holdout)
        except Overloaded:
            if key not in self._kept:
                raise
