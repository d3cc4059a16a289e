"""Flask's side: headers and answers as plain values, errors as problem documents."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from errors import MiranteError
from serving.cors import Cors
from serving.exchange import Answer
from serving.http.error_form import in_form
from serving.observation import Observation
from serving.packing import SMALLEST, packed
from serving.problems import fault, problem, refuse
from serving.recorded import NO_HEADERS
from serving.request_ids import RequestIds
from serving.trace_context import TraceContext, trace_of

# Blueprints whose answers change with the models alone.
CACHED = frozenset({"curves", "inspection", "models", "openapi", "proto"})

log = logging.getLogger("mirante.wsgi")


def flask_headers() -> dict[bytes, bytes]:
    """Return the headers of Flask's current request, their names in lower case."""
    return {k.lower().encode("latin-1"): v.encode("latin-1") for k, v in request.headers}


def flask_response(answer: Answer) -> Response:
    """Return an answer as Flask's response."""
    response = Response(answer.body, status=int(answer.status))
    response.headers["Content-Type"] = answer.content_type.decode("latin-1")
    for name, value in answer.headers:
        response.headers.add(name.decode("latin-1"), value.decode("latin-1"))
    return response


def attend(app: Flask, request_ids: RequestIds, cors: Cors, observation: Observation) -> None:
    """Give every route of the application ids, CORS, problem documents and its line in the log.

    The prediction service does the same for its own routes; those are left alone here.
    """

    app.url_map.strict_slashes = False  # of rules that are added from here on

    @app.before_request
    def begin() -> None:
        _read_without_a_length(request.environ)
        given = request.headers.get("X-Request-Id")
        g.request_id = request_ids.of(given.encode("latin-1", "replace") if given else None)
        g.started = time.perf_counter()
        g.trace = _trace()
        if "\0" in request.path:  # no name has one, and PostgreSQL takes none
            raise NotFound

    @app.after_request
    def end(response: Response) -> Response:
        if g.get("recorded"):
            return response
        if request.blueprint in CACHED and response.status_code == 200:
            response.add_etag()
            response.headers["Cache-Control"] = "no-cache"  # ask again, with the tag
            response.make_conditional(request.environ)
        _pack(response)
        g.trace = observation.record(
            request_id=g.request_id,
            method=request.method,
            route=request.url_rule.rule if request.url_rule else "",
            status=response.status_code,
            seconds=time.perf_counter() - g.started,
            detail=g.get("detail", ""),
            trace=g.trace,
            client=request.remote_addr or "",
            headers=flask_headers() if observation.tracing else NO_HEADERS,
        )
        _add_headers(response, cors)
        return response

    app.register_error_handler(MiranteError, _refuse)
    app.register_error_handler(HTTPException, _refuse_http)
    app.register_error_handler(Exception, _fail)


def _trace() -> TraceContext | None:
    if "Traceparent" not in request.headers:
        return None
    return trace_of(flask_headers())


def _read_without_a_length(environ: dict[str, Any]) -> None:
    """Have a body without a length read too, where the server's stream ends with the body."""
    # a2wsgi's does. Werkzeug looks whether the key is there, not whether it is true.
    if "asgi.scope" in environ:
        environ["wsgi.input_terminated"] = True


def _pack(response: Response) -> None:
    """Pack a long answer as its client accepts it; streams are left as they are."""
    size = response.content_length or 0
    if request.blueprint == "docs":  # files, which are read whole
        response.direct_passthrough = False
        response.make_sequence()
    if response.is_streamed or size < SMALLEST or response.status_code not in (200, 202):
        return
    if "Content-Encoding" in response.headers or "Content-Range" in response.headers:
        return
    accept = request.headers.get("Accept-Encoding")
    body, headers = packed(response.get_data(), accept.encode("latin-1") if accept else None)
    for name, value in headers:
        response.headers.add(name.decode(), value.decode())
    if "Content-Encoding" in response.headers:
        response.set_data(body)
        if "ETag" in response.headers:  # of other bytes: it is the same answer, not the same file
            response.set_etag(response.get_etag()[0] or "", weak=True)


def _add_headers(response: Response, cors: Cors) -> None:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    for name, value in g.trace.headers if g.trace else ():
        response.headers[name.decode()] = value.decode()
    origin = request.headers.get("Origin")
    given = origin.encode("latin-1", "replace") if origin else None
    if request.method == "OPTIONS":
        asked = request.headers.get("Access-Control-Request-Headers", "").encode("latin-1")
        allow = response.headers.get("Allow", "").encode("latin-1")
        headers = cors.preflight(given, allow, asked)
    else:
        headers = cors.headers(given)
    for name, value in headers:
        response.headers.add(name.decode("latin-1"), value.decode("latin-1"))


def _refuse(error: MiranteError) -> Response:
    g.detail = str(error)
    return flask_response(in_form(request.path, refuse(error, g.request_id)))


def _refuse_http(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return error.get_response()  # type: ignore[return-value]
    g.detail = _detail(error)
    answer = problem(HTTPStatus(error.code), g.detail, g.request_id)
    response = flask_response(in_form(request.path, answer))
    for name, value in error.get_headers():
        if name.lower() in ("location", "retry-after", "www-authenticate"):
            response.headers[name] = value
    if isinstance(error, MethodNotAllowed):
        # In a fixed order, so that all workers give the same bytes.
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def _detail(error: HTTPException) -> str:
    if isinstance(error, MethodNotAllowed):
        return "expected " + " or ".join(sorted(error.valid_methods or ()))
    return _DETAILS.get(error.code or 500, error.name.lower())


_DETAILS = {
    400: "the request cannot be understood",
    404: "there is nothing at this path",
    413: "the body is larger than this route takes",
}


def _fail(error: Exception) -> Response:
    told = g.trace.members if g.trace else {}
    log.error("request failed", extra={"request_id": g.request_id, **told}, exc_info=error)
    return flask_response(in_form(request.path, fault(g.request_id)))
