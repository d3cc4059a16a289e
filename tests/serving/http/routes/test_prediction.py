"""Prediction under Flask: the service's routes, and bodies read within their limit."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from serving.auth import Guard, KeyRing
from serving.protocols import loans, oip, sagemaker, tweets, v0
from tests.serving.factory import ROW, make_live, make_service
from tests.serving.transports import wsgi_application

BODY = json.dumps(ROW).encode()


def test_every_route_of_the_service_is_one_of_flasks() -> None:
    service = make_service(protocols=(v0, loans, tweets, sagemaker, oip))
    rules = {
        (m, rule.rule)
        for rule in wsgi_application(service).url_map.iter_rules()
        for m in rule.methods or ()
    }
    for route in service.routes:
        assert (route.method, route.pattern.replace("{", "<").replace("}", ">")) in rules


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(("size", "status"), [(len(BODY), 200), (len(BODY) + 1, 413)])
def test_a_body_is_read_up_to_the_limit(declared: bool, size: int, status: int) -> None:
    client = wsgi_application(make_service(max_body_bytes=len(BODY))).test_client()
    body = BODY.ljust(size)
    sent: dict[str, Any] = {"data": body}
    if not declared:  # in chunks, whose sum nobody declares
        undeclared = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
        sent = {"input_stream": io.BytesIO(body), "environ_overrides": undeclared}
    answer = client.post("/v0/predict", content_type="application/json", **sent)
    assert answer.status_code == status
    assert answer.headers["X-Request-Id"]


def test_a_place_is_given_back_after_a_refusal() -> None:
    client = wsgi_application(make_service(max_in_flight=1, max_body_bytes=len(BODY))).test_client()
    for body, status in ((BODY + b" ", 413), (BODY, 200), (BODY, 200)):
        answer = client.post("/v0/predict", content_type="application/json", data=body)
        assert answer.status_code == status


class Unread:
    """A body that nobody may read."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("the body was read")


def test_key_and_declared_size_are_checked_before_the_body_is_read() -> None:
    closed = make_service(guard=Guard(KeyRing(), require_for_prediction=True))
    for service, length, status in ((closed, "9", 403), (make_service(), "100001", 413)):
        environ = {"CONTENT_LENGTH": length, "wsgi.input": Unread()}
        client = wsgi_application(service).test_client()
        answer = client.post("/v0/predict", environ_overrides=environ)
        assert answer.status_code == status


def test_a_length_that_is_no_number_is_none() -> None:
    client = wsgi_application(make_service()).test_client()
    answer: Any = client.post("/v0/predict", environ_overrides={"CONTENT_LENGTH": "x"})
    assert (answer.status_code, "body is empty" in answer.json["detail"]) == (400, True)


def test_the_clients_address_reaches_the_guard() -> None:
    seen: list[str] = []

    class Open:
        def check_prediction(self, headers: Any, token: str | None, client: str) -> None:
            seen.append(client)

    client = wsgi_application(make_service(make_live(), guard=Open())).test_client()
    client.post("/v0/predict", json=ROW, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert seen == ["192.0.2.7"]
