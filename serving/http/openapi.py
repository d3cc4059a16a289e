"""The OpenAPI 3.1 document: made of the routes that there are and the models that are live.

A route that names a model is listed once for every live one, each with the
rows that it reads; the others as they are, with what `operations` says of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint, Response, current_app
from werkzeug.routing import Rule

from policy import NAME, VERSION
from serving.champions import Live
from serving.http.description import PROBLEM_SCHEMA, Description
from serving.http.exchange import Answer, Problem
from serving.http.operations import OPERATIONS, Operation
from serving.http.wsgi import flask_response
from serving.protocols.oip.inference import ERROR
from serving.service import PredictionService, Route
from tables.json_schema import row_schema

Document = dict[str, Any]

TAGS = {
    "v0": "Prediction",
    "flat": "Loans",
    "keyed": "Tweets",
    "sagemaker": "SageMaker",
    "oip": "Open Inference Protocol",
}
# In the order of the page.
ORDER = ("Prediction", "Inspection", "Training", "Lifecycle", "Health", *list(TAGS.values())[1:])
# What the gate refuses with, whatever the dialect.
REFUSED = (400, 404, 406, 408, 413, 415, 422, 429, 503)
# What any route may come to: not HTTP, too slow a head, too large a head, a fault of ours.
ALWAYS = (400, 408, 431, 500)
PROBLEM = {"application/problem+json": {"schema": PROBLEM_SCHEMA}}
KEYS: list[dict[str, list[str]]] = [{"bearer": []}, {"key": []}]

_ABOUT = (
    "Classifiers from tables, served. Errors are RFC 9457 problem documents, but for the "
    "dialects of older clients, which have their own. Every answer carries X-Request-Id."
)
_PARAMETERS: dict[str, Document] = {
    "name": {"pattern": f"^{NAME}$"},
    "version": {"pattern": f"^{VERSION}$"},
    "job_id": {"pattern": "^[0-9a-f]{32}$"},
    "token": {"minLength": 1, "format": "password", "pattern": "^[A-Za-z0-9_-]+$"},
}


def openapi_blueprint(service: PredictionService, *, default_model: str, closed: bool) -> Blueprint:
    """Return the blueprint of `/v0/openapi.json`; `closed`: as REQUIRE_API_KEY sets."""
    blueprint = Blueprint("openapi", __name__)

    @blueprint.get("/v0/openapi.json")
    def openapi() -> Response:
        rules = current_app.url_map.iter_rules()
        lives = service.champions.lives
        document = make_document(service.routes, rules, lives, default_model, closed)
        return flask_response(Answer(200, msgspec.json.encode(document)))

    return blueprint


def make_document(
    routes: Iterable[Route],
    rules: Iterable[Rule],
    lives: dict[str, Live],
    default_model: str,
    closed: bool,
) -> Document:
    """Return the document for these routes of dialects, rules of Flask and live models."""
    paths: dict[str, Document] = {}
    for method, path, operation in (
        *_predictions(routes, lives, default_model, closed),
        *_others(rules, closed),
    ):
        paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Mirante", "version": "0", "description": _ABOUT},
        "tags": [{"name": name} for name in ORDER],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": _schemas(lives),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _schemas(lives: dict[str, Live]) -> Document:
    _, components = msgspec.json.schema_components([Problem])
    rows = {f"{name}_row": row_schema(live.schema) for name, live in sorted(lives.items())}
    return {**rows, "Problem": components["Problem"]}


def _predictions(
    routes: Iterable[Route], lives: dict[str, Live], default_model: str, closed: bool
) -> Iterator[tuple[str, str, Document]]:
    for route in routes:
        for live in _reached(route, lives, default_model):
            path = route.pattern.replace("{name}", live.name).replace("{version}", live.version)
            description = route.protocol.document(live)
            security = {"security": KEYS} if closed and "{token}" not in path else {}
            yield route.method, path, _prediction(route, path, description, closed) | security


def _reached(route: Route, lives: dict[str, Live], default_model: str) -> list[Live]:
    """Return the live models that a route may reach."""
    if "{name}" in route.pattern:
        return [live for _, live in sorted(lives.items())]
    protocol = route.protocol.PROTOCOL
    if protocol is not None:
        return [live for live in lives.values() if protocol in live.manifest.protocols][:1]
    return [lives[default_model]] if default_model in lives else []


def _prediction(route: Route, path: str, said: Description, closed: bool) -> Document:
    responses = {"200": _response(HTTPStatus.OK, said.gives)}
    refused = (*REFUSED, 401, 403) if closed else REFUSED
    # A fault of ours, or before the dialect is known, is a problem document.
    both = {**PROBLEM, **said.refuses}
    responses |= {str(code): _response(HTTPStatus(code), both) for code in (*refused, *ALWAYS)}
    return {
        "tags": [_tag(route)],
        "operationId": _identifier(route.method, path),
        "summary": said.summary,
        "parameters": [*_in_path(path), *said.parameters],
        "requestBody": {"required": True, "content": said.takes},
        "responses": responses,
    }


def _tag(route: Route) -> str:
    module = str(getattr(route.protocol, "__name__", "")).rpartition(".")[2]
    return TAGS.get(module, module)


def _others(rules: Iterable[Rule], closed: bool) -> Iterator[tuple[str, str, Document]]:
    for rule in rules:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            operation = OPERATIONS.get((method, path))
            if operation is None:
                continue
            if closed and not operation.key and path.startswith("/v0/model"):
                operation = operation._replace(key="predict")
            yield method, path, _operation(method, path, operation)


def _operation(method: str, path: str, operation: Operation) -> Document:
    document: Document = {
        "tags": [operation.tag],
        "operationId": _identifier(method, path),
        "summary": operation.summary,
        "parameters": [*_in_path(path), *operation.parameters],
        "responses": _responses(operation),
    }
    if operation.takes:
        document["requestBody"] = {"content": operation.takes}
    if operation.key:
        document["security"] = KEYS
        document["description"] = f"Needs a key with the scope {operation.key}."
    return document


def _responses(operation: Operation) -> Document:
    refused = {*operation.refuses, *(HTTPStatus(code) for code in ALWAYS)}
    if operation.key:
        refused |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}
    errors = {"problem": PROBLEM, "oip": {**PROBLEM, "application/json": {"schema": ERROR}}}
    content = errors.get(operation.errors, {**PROBLEM, **operation.gives})
    responses = {str(int(operation.status)): _response(operation.status, operation.gives)}
    if "text/event-stream" in operation.gives:
        responses["204"] = _response(HTTPStatus.NO_CONTENT, {})
    return responses | {str(int(code)): _response(code, content) for code in sorted(refused)}


def _response(status: HTTPStatus, content: Document) -> Document:
    response: Document = {"description": status.phrase}
    return response | {"content": content} if content else response


def _in_path(path: str) -> list[Document]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"} | _PARAMETERS[name],
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _identifier(method: str, path: str) -> str:
    return method.lower() + re.sub(r"\W+", "_", path.replace("{", "").replace("}", ""))
