"""Flask's lane alone: its routes are the gate's, and bodies are read within their limit."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from serving.protocols import loans as flat
from serving.protocols import sagemaker, v0
from serving.protocols import tweets as keyed
from serving.protocols.oip import protocol as oip
from tests.serving.factory import ROW, make_live, make_service
from tests.serving.transports import flask_lane

BODY = json.dumps(ROW).encode()


def test_every_route_of_the_gate_is_one_of_flasks() -> None:
    service = make_service(protocols=(v0, flat, keyed, sagemaker, oip))
    rules = {
        (m, rule.rule) for rule in flask_lane(service).url_map.iter_rules() for m in rule.methods
    }
    for route in service.routes:
        assert (route.method, route.pattern.replace("{", "<").replace("}", ">")) in rules


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(("size", "status"), [(len(BODY), 200), (len(BODY) + 1, 413)])
def test_a_body_is_read_up_to_the_limit(told: bool, size: int, status: int) -> None:
    client = flask_lane(make_service(max_body_bytes=len(BODY))).test_client()
    body = BODY.ljust(size)
    sent: dict[str, Any] = {"data": body}
    if not told:  # in chunks, whose sum nobody declares
        untold = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
        sent = {"input_stream": io.BytesIO(body), "environ_overrides": untold}
    answer = client.post("/v0/predict", content_type="application/json", **sent)
    assert answer.status_code == status
    assert answer.headers["X-Request-Id"]


def test_a_place_is_given_back_after_a_refusal() -> None:
    client = flask_lane(make_service(max_in_flight=1, max_body_bytes=len(BODY))).test_client()
    for body, status in ((BODY + b" ", 413), (BODY, 200), (BODY, 200)):
        answer = client.post("/v0/predict", content_type="application/json", data=body)
        assert answer.status_code == status


def test_the_clients_address_reaches_the_guard() -> None:
    seen: list[str] = []

    class Open:
        def check_prediction(self, headers: Any, token: str | None, client: str) -> None:
            seen.append(client)

    client = flask_lane(make_service(make_live(), guard=Open())).test_client()
    client.post("/v0/predict", json=ROW, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert seen == ["192.0.2.7"]
