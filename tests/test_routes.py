"""Which routes are open, and which need a key: every route, under WSGI and ASGI."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from app import build_flask, wire
from config import read_config
from serving.auth import new_key
from serving.http.operation import operation_of
from serving.http.routes.events import EventStreams
from tests.serving.factory import make_live

# Everything that changes anything, and everything that tells what somebody did.
GUARDED = {
    ("POST", "/v0/train"): "train",
    ("POST", "/v0/models/<name>/train"): "train",
    ("POST", "/v0/describe"): "train",
    ("POST", "/v0/feedback"): "feedback",
    ("GET", "/v0/jobs"): "train",
    ("GET", "/v0/jobs/<job_id>"): "train",
    ("GET", "/v0/jobs/<job_id>/events"): "train",
    ("GET", "/v0/jobs/<job_id>/result"): "train",
    ("POST", "/v0/models/<name>/score"): "train",
    ("DELETE", "/v0/jobs/<job_id>"): "train",
    ("POST", "/v0/models/<name>/versions/<version>/promote"): "train",
    ("POST", "/v0/models/<name>/versions/<version>/replay"): "train",
    ("GET", "/v0/models/<name>/versions/<version>/replay"): "train",
    ("POST", "/v0/models/<name>/rollback"): "train",
    ("DELETE", "/v0/models/<name>/versions/<version>"): "admin",
    ("GET", "/v0/audit"): "admin",
    ("POST", "/v2/repository/models/<name>/load"): "admin",
    ("POST", "/v2/repository/models/<name>/unload"): "admin",
}
# A form that is sent without JavaScript predicts.
# Pages for those who may train; pages are no operations.
GUARDED_PAGES = {
    ("GET", "/jobs"): "train",
    ("GET", "/jobs/<job_id>"): "train",
    ("POST", "/train/columns"): "train",
}
FORMS = {("POST", "/models/<name>/form")}
# A list that is asked for by POST.
LISTING = {("POST", "/v2/repository/index")}
# Routes with a key in their path answer 404 to a wrong one.
TOKEN = "<token>"
KEYS = {scope: new_key(scope, [scope]) for scope in ("predict", "feedback", "train", "admin")}


def settings(folder: Path, **more: str) -> dict[str, str]:
    entries = ",".join(key.entry() for _, key in KEYS.values())
    return {
        "MODEL_STORE": f"{folder}/models",
        "DATABASE_URL": f"sqlite:///{folder}/jobs.db",
        "API_KEYS_FILE": f"{folder}/api_keys",
        "API_KEYS": entries,
        **more,
    }


class Routes:
    """A service, and every route of Flask's."""

    def __init__(self, folder: Path, **more: str) -> None:
        config = read_config(settings(folder, **more))
        self._asked = count(1)
        self.parts = wire(config)
        self.app = build_flask(config, self.parts)
        self.listed = [
            (method, rule.rule)
            for rule in self.app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
        ]

    def ask(self, method: str, rule: str, scope: str | None = None) -> Any:
        """Call a route with a key of the scope."""
        headers = {"Authorization": f"Bearer {KEYS[scope][0]}"} if scope else {}
        path = re.sub(r"<(?:\w+:)?job_id>", "0" * 32, rule)
        path = re.sub(r"<[^>]+>", "nothing", path)
        # Each from another address: too many wrong keys of one are slowed down.
        client, address = self.app.test_client(), {"REMOTE_ADDR": f"127.0.0.{next(self._asked)}"}
        return client.open(
            path, method=method, headers=headers, buffered=True, environ_base=address
        )


@pytest.fixture
def routes(tmp_path: Path) -> Iterator[Routes]:
    made = Routes(tmp_path)
    yield made
    made.parts.get_queue().jobs_database.close()


def test_every_guarded_route_is_there(routes: Routes) -> None:
    assert {*GUARDED, *GUARDED_PAGES} <= set(routes.listed)


def test_a_guarded_route_takes_a_key_of_its_scope_and_no_other(routes: Routes) -> None:
    for (method, rule), enough in (GUARDED | GUARDED_PAGES).items():
        assert routes.ask(method, rule).status_code == 401, rule
        for scope in KEYS:
            status = routes.ask(method, rule, scope).status_code
            let_in = scope in (enough, "admin")
            assert (status not in (401, 403)) is let_in, (method, rule, scope, status)


def test_a_guarded_route_s_operation_says_which_key_it_needs(routes: Routes) -> None:
    said: dict[tuple[str, str], str] = {}
    for rule in routes.app.url_map.iter_rules():
        operation = operation_of(routes.app.view_functions[rule.endpoint])
        if operation is not None and operation.key:
            methods = (rule.methods or set()) - {"OPTIONS", "HEAD"}
            said |= {(method, rule.rule): operation.key for method in methods}
    assert said == GUARDED


def test_every_other_route_is_open(routes: Routes) -> None:
    for method, rule in set(routes.listed) - {*GUARDED, *GUARDED_PAGES}:
        status = routes.ask(method, rule).status_code
        assert status not in (401, 403), (method, rule, status)
        if TOKEN in rule:
            assert status == 404


def test_what_changes_anything_is_guarded(routes: Routes) -> None:
    predicting = {
        (r.method, re.sub(r"\{(\w+)\}", r"<\1>", r.pattern)) for r in routes.parts.service.routes
    }
    for method, rule in routes.listed:
        if method != "GET":
            assert (method, rule) in {*GUARDED, *GUARDED_PAGES, *LISTING, *FORMS, *predicting}, (
                method,
                rule,
            )


INSPECTION = [
    "/v0/curves",
    "/v0/model_info",
    "/v0/models",
    "/metadata",
    "/prototype",
    *(
        f"/v0/models/<name>/{what}"
        for what in ("model_info", "curves", "versions", "proto", "performance")
    ),
    *("/v1/models", "/v1/models/<name>"),
    *("/models", "/models/<name>", "/v2/models/<name>", "/v2/models/<name>/ready"),
]


def test_prediction_can_be_closed_and_health_is_not(tmp_path: Path) -> None:
    routes = Routes(tmp_path, REQUIRE_API_KEY="1")
    predicting = {
        (r.method, re.sub(r"\{(\w+)\}", r"<\1>", r.pattern)) for r in routes.parts.service.routes
    }
    for method, rule in predicting:
        status = routes.ask(method, rule).status_code
        assert status == (404 if TOKEN in rule else 401), (method, rule, status)
        if TOKEN not in rule:
            assert routes.ask(method, rule, "train").status_code == 403
            assert routes.ask(method, rule, "predict").status_code not in (401, 403)
    for rule in ("/health", "/livez", "/readyz", "/ping"):
        assert routes.ask("GET", rule).status_code not in (401, 403), rule


def test_inspection_is_closed_with_prediction(tmp_path: Path) -> None:
    routes = Routes(tmp_path, REQUIRE_API_KEY="1")
    paths = routes.ask("GET", "/v0/openapi.json").json["paths"]
    for rule in INSPECTION:
        assert routes.ask("GET", rule).status_code == 401, rule
        assert routes.ask("OPTIONS", rule).status_code == 200, rule
        assert routes.ask("GET", rule, "predict").status_code not in (401, 403), rule
        assert "401" in paths[rule.replace("<name>", "{name}")]["get"]["responses"]


@pytest.mark.parametrize("required", ["0", "1"])
def test_the_document_says_where_a_key_is_needed(tmp_path: Path, required: str) -> None:
    routes = Routes(tmp_path, REQUIRE_API_KEY=required)
    routes.parts.champions._live["credit"] = make_live("credit")
    paths = routes.ask("GET", "/v0/openapi.json", "predict").json["paths"]
    for path, item in paths.items():
        for method, operation in item.items():
            status = routes.ask(
                method.upper(), path.replace("{", "<").replace("}", ">")
            ).status_code
            assert (status == 401) is bool(operation["security"]), (method, path, status)


def test_the_document_tells_of_models_to_who_may_ask_them(tmp_path: Path) -> None:
    routes = Routes(tmp_path, REQUIRE_API_KEY="1")
    routes.parts.champions._live["credit"] = make_live("credit")
    stranger = routes.ask("GET", "/v0/openapi.json")
    assert stranger.status_code == 200
    assert "CreditRow" not in stranger.text
    assert "/v0/models/credit" not in stranger.text
    known = routes.ask("GET", "/v0/openapi.json", "predict").json
    assert "CreditRow" in known["components"]["schemas"]
    for _ in range(30):  # to look without a key is no guess of one
        assert routes.app.test_client().get("/v0/openapi.json").status_code == 200


def test_event_streams_are_guarded_as_flask_s(routes: Routes) -> None:
    parts = routes.parts
    streams = EventStreams(
        parts.get_queue, parts.guard, parts.service.request_ids, parts.cors, parts.observation
    )
    statuses = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def ask(scope: str | None) -> None:
        headers = [(b"x-api-key", KEYS[scope][0].encode())] if scope else []
        path = f"/v0/jobs/{'0' * 32}/events"
        scope_ = {"type": "http", "method": "GET", "path": path, "headers": headers}
        application = streams.find(scope_)
        assert application is not None
        await application(scope_, asyncio.Event().wait, send)  # type: ignore[arg-type]

    for scope in (None, "predict", "train"):
        asyncio.run(ask(scope))
    assert statuses == [401, 403, 404]


def test_without_any_key_guarded_routes_say_how_to_make_one(tmp_path: Path) -> None:
    routes = Routes(tmp_path, API_KEYS="")
    for method, rule in GUARDED:
        answer = routes.ask(method, rule)
        assert answer.status_code == 403
        said = answer.json.get("detail") or answer.json["error"]
        assert "python -m serving.auth new --scope train" in said
    assert routes.ask("GET", "/livez").status_code == 200
