"""Prometheus' metrics: `/metrics`."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST


def metrics_blueprint(exposition: Callable[[], bytes]) -> Blueprint:
    """Return the blueprint that serves `/metrics`."""
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        return Response(exposition(), content_type=CONTENT_TYPE_LATEST)

    return blueprint
