"""Prometheus' metrics: `/metrics`, in the text format or in OpenMetrics as `Accept` has it."""

from __future__ import annotations

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE_OPENMETRICS

from serving.auth import Guard
from serving.http.access import sees_inside
from serving.http.operation import TEXT, Operation, described
from serving.metrics import Metrics

PLAIN, OPENMETRICS = "text/plain", "application/openmetrics-text"
_METRICS = Operation(
    "Health", "Prometheus metrics", {PLAIN: {"schema": TEXT}, OPENMETRICS: {"schema": TEXT}}
)


def metrics_blueprint(metrics: Metrics, guard: Guard) -> Blueprint:
    """Return the blueprint of `/metrics`; columns are named to those who may predict."""
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    @described(_METRICS)
    def exposition() -> Response:
        whole = sees_inside(guard)
        if _quality(OPENMETRICS) > 0 and _quality(OPENMETRICS) >= _quality(PLAIN):
            answer = Response(metrics.openmetrics(whole), content_type=CONTENT_TYPE_OPENMETRICS)
        else:
            answer = Response(metrics.exposition(whole), content_type=CONTENT_TYPE_LATEST)
        answer.headers["Vary"] = "Accept"
        return answer

    return blueprint


def _quality(media: str) -> float:
    """Return how much the client wants a media type by its name, whatever its parameters."""
    accepted = [q for value, q in request.accept_mimetypes if value.partition(";")[0] == media]
    return max(accepted, default=0.0)
