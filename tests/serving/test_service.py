"""The gate: routes, who may ask, which model answers, ids, and what is written down."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from errors import Overloaded
from serving.http.cors import Cors
from serving.http.exchange import Answer, Request
from serving.metrics import Metrics
from serving.observation import Observation
from serving.protocols import loans as flat
from serving.protocols import tweets as keyed
from serving.protocols import v0
from serving.protocols.oip import protocol as oip
from serving.refusals import KeyRejected
from serving.service import InFlight, Match, PredictionService, RequestIds
from tests.serving.factory import ROW, ask, make_live, make_service


class Closed:
    """A guard that turns everybody away and remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str | None, str]] = []

    def check_prediction(self, headers: Any, token: str | None, client: str) -> None:
        """Turn a caller away."""
        self.shown.append((token, client))
        raise KeyRejected("a key is needed")


def test_a_route_says_model_version_and_token() -> None:
    service = make_service(protocols=(v0, keyed, oip))
    plain = service.match("POST", "/v0/predict")
    assert plain is not None
    assert plain[1:] == (None, None, None)
    told = {
        "/v0/models/credit/predict": ("credit", None, None),
        "/api/v1/secret/predict": (None, "secret", None),
        "/v2/models/credit/versions/v7/infer": ("credit", None, "v7"),
    }
    for path, expected in told.items():
        found = service.match("POST", path)
        assert found is not None
        assert found[1:] == expected
        assert "{" in found.route.pattern


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v0/predict"),
        ("POST", "/v0/predict/"),
        ("POST", "/v0/models//predict"),
        ("POST", "/v0/models/a/b/predict"),
        ("POST", "/v0/models/credit/predictions"),
    ],
)
def test_what_no_dialect_has_is_nobodys(method: str, path: str) -> None:
    assert make_service().match(method, path) is None


def test_a_route_without_a_name_reaches_the_model_that_declares_its_face() -> None:
    lives = make_live("credit"), make_live("loans", protocols=("flat",))
    service = make_service(*lives, protocols=(v0, flat))
    assert service._live(match(service, "/predict")).name == "loans"
    assert service._live(match(service, "/v0/predict")).name == "credit"
    assert ask(make_service(lives[0], protocols=(flat,)), "/predict", ROW).status == 404


def match(service: PredictionService, path: str) -> Match:
    found = service.match("POST", path)
    assert found is not None
    return found


def test_a_version_that_is_not_live_is_not_there() -> None:
    service = make_service(protocols=(oip,))
    assert ask(service, "/v2/models/credit/versions/v0/infer", {}).status == 404


def test_the_guard_is_asked_before_the_body_is_looked_at() -> None:
    guard = Closed()
    service = make_service(guard=guard, protocols=(v0, keyed))
    assert ask(service, "/v0/predict", b"{").status == 401
    assert ask(service, "/api/v1/secret/predict", b"{").status == 404
    assert [token for token, _ in guard.shown] == [None, "secret"]


def test_without_a_guard_no_token_opens_anything() -> None:
    live = make_live(protocols=("keyed",))
    assert ask(make_service(live, protocols=(keyed,)), "/api/v1/any/predict", {}).status == 404


def test_more_rows_than_are_taken_are_refused() -> None:
    service = make_service(max_rows=2)
    assert ask(service, "/v0/predict", [ROW] * 2, content_type="application/json").status == 200
    assert ask(service, "/v0/predict", [ROW] * 3, content_type="application/json").status == 413


def test_a_place_is_given_back_also_when_something_fails() -> None:
    indices = InFlight(1)
    with pytest.raises(ZeroDivisionError), indices:
        _ = 1 / 0
    with indices, pytest.raises(Overloaded, match="more than 1 requests"), indices:
        pass
    with indices:
        pass


@pytest.mark.parametrize("given", [b"abc-1.2:3_", b"a" * 128])
def test_a_client_s_own_id_is_kept(given: bytes) -> None:
    assert RequestIds().of(given) == given.decode()


@pytest.mark.parametrize("given", [None, b"", b"a" * 129, b"a b", b"a\r\nset-cookie: b", b"\xe9"])
def test_an_id_that_could_do_harm_is_replaced(given: bytes | None) -> None:
    ids = RequestIds()
    first, second = ids.of(given), ids.of(given)
    assert first != second
    assert first.encode() != given
    assert first.isascii()


def test_two_processes_make_different_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = RequestIds()
    before = ids.of(None)
    monkeypatch.setattr("serving.service.os.getpid", lambda: -1)
    assert ids.of(None).partition("-")[0] != before.partition("-")[0]


def answered(service: PredictionService, body: bytes, **headers: str) -> Answer:
    named = {name.encode(): value.encode() for name, value in headers.items()}
    named |= {b"content-type": b"application/json"}
    request = Request("POST", "/v0/predict", b"", named, body, "the-id")
    return service.answer(request, match(service, "/v0/predict"))


def test_every_answer_bears_its_id_and_what_a_browser_needs() -> None:
    service = make_service(cors=Cors(("https://a.example",)))
    for body in (json.dumps(ROW).encode(), b"{"):
        headers = dict(answered(service, body, origin="https://a.example").headers)
        assert headers[b"x-request-id"] == b"the-id"
        assert headers[b"access-control-allow-origin"] == b"https://a.example"


def test_every_request_is_counted_with_its_rows_and_its_model() -> None:
    metrics = Metrics()
    service = make_service(observation=Observation(metrics, 0.0))
    for body in (json.dumps([ROW] * 3).encode(), b"{"):
        answered(service, body)
    text = metrics.exposition().decode()
    for status in (200, 400):
        assert f'mirante_requests_total{{route="/v0/predict",status="{status}"}} 1.0' in text
    live = make_live()
    counted = f'mirante_rows_total{{model="credit",version="{live.version}"}} 3.0'
    assert counted in text


def test_a_fault_of_ours_is_told_to_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    live = make_live()

    def fail(batch: Any) -> Any:
        raise RuntimeError("secret of the house")

    live.runtime.outputs = fail  # type: ignore[method-assign]
    with caplog.at_level(logging.ERROR):
        answer = answered(make_service(live), json.dumps(ROW).encode())
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert "secret of the house" in caplog.text
