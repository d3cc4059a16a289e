"""The prediction routes under Flask: the same gate, for servers that speak WSGI."""

from __future__ import annotations

import re

from flask import Blueprint, Response, g, request

from errors import MiranteError
from serving.http.exchange import too_large
from serving.http.wsgi import flask_request, flask_response
from serving.service import PredictionService


def prediction_blueprint(service: PredictionService) -> Blueprint:
    """Return the blueprint that answers every route of the gate's dialects."""
    blueprint = Blueprint("prediction", __name__)

    def predict(**_: str) -> Response:
        given = flask_request()
        match = service.match(request.method, request.path)
        assert match is not None, "Flask routed what the gate does not"
        g.answered_by_gate = True
        try:
            with service.in_flight:
                body = _body(service.max_body_bytes)
                answer = service.answer(given._replace(body=body), match, request.remote_addr or "")
        except MiranteError as error:
            answer = service.refuse(error, given, match)
        return flask_response(answer)

    for route in service.routes:
        rule = re.sub(r"\{(\w+)\}", r"<\1>", route.pattern)
        blueprint.add_url_rule(rule, f"{route.method} {rule}", predict, methods=[route.method])
    return blueprint


def _body(limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise too_large(limit)
    body = request.stream.read(limit + 1)
    if len(body) > limit:
        raise too_large(limit)
    return body
