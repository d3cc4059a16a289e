"""Prometheus' metrics: `/metrics`."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST

from serving.http.operation import TEXT, Operation, described

_METRICS = Operation("Health", "Prometheus metrics", {"text/plain": {"schema": TEXT}})


def metrics_blueprint(exposition: Callable[[], bytes]) -> Blueprint:
    """Return the blueprint that serves `/metrics`."""
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    @described(_METRICS)
    def metrics() -> Response:
        return Response(exposition(), content_type=CONTENT_TYPE_LATEST)

    return blueprint
