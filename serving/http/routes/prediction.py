"""The prediction routes under Flask, for servers that speak WSGI."""

from __future__ import annotations

import re
from functools import partial

from flask import Blueprint, Response, g, request

from serving.exchange import Route
from serving.http.wsgi import flask_headers, flask_response
from serving.problems import too_large
from serving.service import PredictionService


def prediction_blueprint(service: PredictionService) -> Blueprint:
    """Return the blueprint that answers every route of the service's protocols."""
    blueprint = Blueprint("prediction", __name__)

    def predict(route: Route, **named: str) -> Response:
        g.recorded = True  # by the service
        client = request.remote_addr or ""
        headers = flask_headers()
        if b"content-length" in headers:  # as Werkzeug reads it, for which no number is 0
            headers[b"content-length"] = b"%d" % (request.content_length or 0)
        exchange = service.begin(route, headers, request.query_string, client, **named)
        return flask_response(service.serve(exchange, partial(_body, service.max_body_bytes)))

    for route in service.routes:
        rule = re.sub(r"\{(\w+)\}", r"<\1>", route.pattern)
        view = partial(predict, route)
        blueprint.add_url_rule(rule, f"{route.method} {rule}", view, methods=[route.method])
    return blueprint


def _body(limit: int) -> bytes:
    body = request.stream.read(limit + 1)
    if len(body) > limit:
        raise too_large(limit)
    return body
