"""Requests to both transports: Flask through its test client, ASGI without a server."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

from a2wsgi import WSGIMiddleware
from flask import Flask

from serving.cors import Cors
from serving.http.asgi import AsgiApplication
from serving.http.routes.prediction import prediction_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.service import PredictionService

JSON = {"content-type": "application/json"}


class Answered(NamedTuple):
    """What was sent back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


def wsgi_application(service: PredictionService) -> Flask:
    app = Flask(__name__)
    attend(app, service.request_ids, Cors(("*",)), Observation(Metrics(), 0.0))
    app.register_blueprint(prediction_blueprint(service))
    return app


def by_wsgi(app: Flask, method: str, path: str, headers: dict[str, str], body: bytes) -> Answered:
    response = app.test_client().open(path, method=method, headers=headers, data=body)
    found = {name.lower(): value for name, value in response.headers}
    return Answered(response.status_code, found, response.data)


async def call(
    application: Any, method: str, path: str, headers: dict[str, str], messages: list[Any]
) -> Answered:
    """Call an ASGI application with a body in the given messages."""
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(k.encode(), v.encode("latin-1")) for k, v in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    pending, sent = list(messages), []

    async def receive() -> Any:
        while not pending:
            await asyncio.sleep(3600)
        return pending.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await application(scope, receive, send)
    found = {k.decode().lower(): v.decode("latin-1") for k, v in sent[0]["headers"]}
    return Answered(sent[0]["status"], found, b"".join(m.get("body", b"") for m in sent[1:]))


def whole(body: bytes) -> list[Any]:
    return [{"type": "http.request", "body": body, "more_body": False}]


def by_asgi(
    service: PredictionService, method: str, path: str, headers: dict[str, str], body: bytes
) -> Answered:
    wrapped: Any = WSGIMiddleware(wsgi_application(service))  # type: ignore[arg-type]
    application = AsgiApplication(service, wrapped, body_timeout=5)
    sized = headers | {"content-length": str(len(body))}
    return asyncio.run(call(application, method, path, sized, whole(body)))


def post(
    service: PredictionService, body: Any, path: str = "/v0/predict", **headers: str
) -> Answered:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return by_asgi(service, "POST", path, JSON | headers, raw)
