"""The OpenAPI 3.1 document: made of the routes that there are and the models that are live.

A route that names a model is listed once for every live one, each with the
rows that it reads; the others as they are, with the operation beside each view.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.routing import Rule

from errors import AccessError
from policy import NAME, VERSION
from serving.auth import Guard
from serving.champions import Live
from serving.description import PROBLEM_SCHEMA
from serving.exchange import Answer
from serving.http.access import check_prediction, is_closed_with_prediction
from serving.http.components import component_schemas, references, referred, spelled
from serving.http.operation import OBJECT, Operation, content, described, operation_of
from serving.http.wsgi import flask_response
from serving.problems import title
from serving.protocols.oip.inference import ERROR
from serving.service import HttpProtocol, PredictionService

Document = dict[str, Any]

# In the order of the page: the first protocol, these, then the other protocols.
TAGS = {
    "Inspection": "What there is, and what the models tell of themselves.",
    "Training": "Tables in, jobs out, versions of models at their end.",
    "Lifecycle": "Which version of a model answers, and who changed that.",
    "Monitoring": "What was answered, what came true, and what has changed since training.",
    "Health": "Is the service well, and what has it done?",
}
# What the prediction service refuses with, whatever the protocol.
REFUSED = (400, 404, 406, 408, 413, 415, 422, 429, 503)
# What any route may come to: not HTTP, too slow a head, too large a head, a fault of ours.
ALWAYS = (400, 408, 431, 500)
PROBLEM = {"application/problem+json": {"schema": PROBLEM_SCHEMA}}
KEYS: list[dict[str, list[str]]] = [{"bearer": []}, {"key": []}]

_ABOUT = (
    "Classifiers from tables, served. Errors are RFC 9457 problem documents, but for the "
    "dialects of older clients, which have their own. Every answer carries X-Request-Id."
)
_IN_PATH = "The token in the path is a key with the scope predict."
_PARAMETERS: dict[str, Document] = {
    "name": {"pattern": f"^{NAME}$"},
    "version": {"pattern": f"^{VERSION}$"},
    "job_id": {"pattern": "^[0-9a-f]{32}$"},
    "token": {"minLength": 1, "format": "password", "pattern": "^[A-Za-z0-9_-]+$"},
}


def openapi_blueprint(
    service: PredictionService, guard: Guard, *, default_model: str, closed: bool
) -> Blueprint:
    """Return the blueprint of `/v0/openapi.json`; `closed`: as REQUIRE_API_KEY sets.

    Where prediction needs a key, the document tells of the models to who has one.
    """
    blueprint = Blueprint("openapi", __name__)

    @blueprint.get("/v0/openapi.json")
    @described(Operation("Inspection", "This document", content(OBJECT)))
    def openapi() -> Response:
        operations = operations_of(current_app)
        lives = service.champions.lives if not closed or _may_look(guard) else {}
        document = make_document(service.protocols, operations, lives, default_model, closed)
        return flask_response(Answer(200, msgspec.json.encode(document)))

    return blueprint


def _may_look(guard: Guard) -> bool:
    """Tell whether the request shows a good key; to show none is no failure to be counted."""
    if "Authorization" not in request.headers and "X-API-Key" not in request.headers:
        return False
    try:
        check_prediction(guard)
    except AccessError:
        return False
    return True


def operations_of(app: Flask) -> list[tuple[Rule, Operation]]:
    """Return the application's rules with the operation of each view that has one."""
    found = []
    for rule in app.url_map.iter_rules():
        operation = operation_of(app.view_functions[rule.endpoint])
        if operation is not None:
            closed = is_closed_with_prediction(app, rule)
            found.append((rule, operation._replace(closed_with_prediction=closed)))
    return found


def make_document(
    protocols: Sequence[HttpProtocol],
    operations: Iterable[tuple[Rule, Operation]],
    lives: dict[str, Live],
    default_model: str,
    closed: bool,
) -> Document:
    """Return the document for these protocols, operations of Flask and live models."""
    paths: dict[str, Document] = {}
    for method, path, operation in (
        *_predictions(protocols, lives, default_model, closed),
        *_others(operations, closed),
    ):
        methods = paths.setdefault(path, {})
        other = methods.get(method.lower())
        methods[method.lower()] = operation if other is None else _joined(other, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mirante",
            "version": "0",
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "where this document comes from"}],
        "tags": _tags(protocols),
        "paths": referred(dict(sorted(paths.items())), references(lives)),
        "components": {
            "schemas": component_schemas(lives),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _tags(protocols: Sequence[HttpProtocol]) -> list[Document]:
    """Return the headings; a protocol's is described by the first line of its module."""
    first, *others = [
        {"name": protocol.TAG, "description": (protocol.__doc__ or protocol.TAG).splitlines()[0]}
        for protocol in protocols
    ]
    return [first, *({"name": tag, "description": about} for tag, about in TAGS.items()), *others]


def _predictions(
    protocols: Iterable[HttpProtocol], lives: dict[str, Live], default_model: str, closed: bool
) -> Iterator[tuple[str, str, Document]]:
    words = spelled(lives)
    for protocol in protocols:
        for method, pattern, _ in protocol.ROUTES:
            for live in _reached(pattern, protocol.PROTOCOL, lives, default_model):
                identifier = _identifier(method, pattern.replace("{name}", words[live.name]))
                path = pattern.replace("{name}", live.name)
                described = _prediction(path, protocol, live, closed)
                yield method, path, {"operationId": identifier, **described}


def _joined(one: Document, other: Document) -> Document:
    """Return the operations of two protocols with one path as one, of either's body and answer."""
    responses = {
        status: answer | {"content": _either(answer["content"], other["responses"][status])}
        for status, answer in one["responses"].items()
    }
    names = {parameter["name"] for parameter in one["parameters"]}
    more = [each for each in other["parameters"] if each["name"] not in names]
    return {
        **one,
        "tags": one["tags"] + other["tags"],
        "summary": f"{one['summary']}; {other['summary'][0].lower()}{other['summary'][1:]}",
        "description": f"{other['description'].partition('. ')[0]}. {one['description']}",
        "parameters": one["parameters"] + more,
        "requestBody": {
            "required": True,
            "content": _either(one["requestBody"]["content"], other["requestBody"]),
        },
        "responses": responses,
    }


def _either(content: Document, other: Document) -> Document:
    """Return the content by media type of one body, or of another, which has its in `content`."""
    either: Document = other["content"] | content
    for media in content.keys() & other["content"].keys():
        schemas = [each[media].get("schema", {}) for each in (content, other["content"])]
        if schemas[0] != schemas[1]:
            either[media] = content[media] | {"schema": {"anyOf": schemas}}
    return either


def _reached(
    pattern: str, alias: str | None, lives: dict[str, Live], default_model: str
) -> list[Live]:
    """Return the live models that a route may reach."""
    if "{name}" in pattern:
        return [live for _, live in sorted(lives.items())]
    if alias is not None:
        return [live for live in lives.values() if alias in live.manifest.protocols][:1]
    return [lives[default_model]] if default_model in lives else []


def _prediction(path: str, protocol: HttpProtocol, live: Live, closed: bool) -> Document:
    description = protocol.document(live)
    responses = {"200": _response(HTTPStatus.OK, description.gives)}
    scope = "predict" if closed and "{token}" not in path else ""
    refused = (*REFUSED, 401, 403) if closed else REFUSED
    # A fault of ours, or before the protocol is known, is a problem document.
    both = {**PROBLEM, **description.refuses}
    responses |= {str(code): _response(HTTPStatus(code), both) for code in (*refused, *ALWAYS)}
    return {
        "tags": [protocol.TAG],
        "summary": description.summary,
        "description": f"Predicts {live.schema.target.name} by the model {live.name}. "
        + (_IN_PATH if "{token}" in path else _needed(scope)),
        "security": KEYS if scope else [],
        "parameters": [*_in_path(path), *description.parameters],
        "requestBody": {"required": True, "content": description.takes},
        "responses": responses,
    }


def _others(
    operations: Iterable[tuple[Rule, Operation]], closed: bool
) -> Iterator[tuple[str, str, Document]]:
    for rule, operation in operations:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if closed and not operation.key and operation.closed_with_prediction:
                operation = operation._replace(key="predict")
            yield method, path, _operation(method, path, operation)


def _operation(method: str, path: str, operation: Operation) -> Document:
    document: Document = {
        "tags": [operation.tag],
        "operationId": _identifier(method, path),
        "summary": operation.summary,
        "description": _needed(operation.key),
        "security": KEYS if operation.key else [],
        "parameters": [*_in_path(path), *operation.parameters],
        "responses": _responses(operation),
    }
    if operation.takes:
        document["requestBody"] = {"content": operation.takes}
    return document


def _needed(scope: str) -> str:
    return f"Needs a key with the scope {scope}." if scope else "Needs no key."


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
    response: Document = {"description": title(status)}
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
    words = re.sub(r"\W+", "_", path.replace("{", "").replace("}", ""))
    return method.lower() + (words if words != "_" else "_root")
