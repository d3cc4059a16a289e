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
from serving.service import Gate, InFlight, Match, RequestIds
from tests.serving.factory import ROW, ask, make_gate, make_live


class Closed:
    """A guard that turns everybody away and remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str | None, str]] = []

    def check_prediction(self, headers: Any, token: str | None, client: str) -> None:
        """Turn a caller away."""
        self.shown.append((token, client))
        raise KeyRejected("a key is needed")


def test_a_route_says_model_version_and_token() -> None:
    gate = make_gate(dialects=(v0, keyed, oip))
    plain = gate.match("POST", "/v0/predict")
    assert plain is not None
    assert plain[1:] == (None, None, None)
    told = {
        "/v0/models/credit/predict": ("credit", None, None),
        "/api/v1/secret/predict": (None, "secret", None),
        "/v2/models/credit/versions/v7/infer": ("credit", None, "v7"),
    }
    for path, expected in told.items():
        found = gate.match("POST", path)
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
    assert make_gate().match(method, path) is None


def test_a_route_without_a_name_reaches_the_model_that_declares_its_face() -> None:
    lives = make_live("credit"), make_live("loans", faces=("flat",))
    gate = make_gate(*lives, dialects=(v0, flat))
    assert gate._live(match(gate, "/predict")).name == "loans"
    assert gate._live(match(gate, "/v0/predict")).name == "credit"
    assert ask(make_gate(lives[0], dialects=(flat,)), "/predict", ROW).status == 404


def match(gate: Gate, path: str) -> Match:
    found = gate.match("POST", path)
    assert found is not None
    return found


def test_a_version_that_is_not_live_is_not_there() -> None:
    gate = make_gate(dialects=(oip,))
    assert ask(gate, "/v2/models/credit/versions/v0/infer", {}).status == 404


def test_the_guard_is_asked_before_the_body_is_looked_at() -> None:
    guard = Closed()
    gate = make_gate(guard=guard, dialects=(v0, keyed))
    assert ask(gate, "/v0/predict", b"{").status == 401
    assert ask(gate, "/api/v1/secret/predict", b"{").status == 404
    assert [token for token, _ in guard.shown] == [None, "secret"]


def test_without_a_guard_no_token_opens_anything() -> None:
    live = make_live(faces=("keyed",))
    assert ask(make_gate(live, dialects=(keyed,)), "/api/v1/any/predict", {}).status == 404


def test_more_rows_than_are_taken_are_refused() -> None:
    gate = make_gate(max_rows=2)
    assert ask(gate, "/v0/predict", [ROW] * 2, content_type="application/json").status == 200
    assert ask(gate, "/v0/predict", [ROW] * 3, content_type="application/json").status == 413


def test_a_place_is_given_back_also_when_something_fails() -> None:
    places = InFlight(1)
    with pytest.raises(ZeroDivisionError), places:
        _ = 1 / 0
    with places, pytest.raises(Overloaded, match="more than 1 requests"), places:
        pass
    with places:
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


def answered(gate: Gate, body: bytes, **headers: str) -> Answer:
    named = {name.encode(): value.encode() for name, value in headers.items()}
    named |= {b"content-type": b"application/json"}
    request = Request("POST", "/v0/predict", b"", named, body, "the-id")
    return gate.answer(request, match(gate, "/v0/predict"))


def test_every_answer_bears_its_id_and_what_a_browser_needs() -> None:
    gate = make_gate(cors=Cors(("https://a.example",)))
    for body in (json.dumps(ROW).encode(), b"{"):
        headers = dict(answered(gate, body, origin="https://a.example").headers)
        assert headers[b"x-request-id"] == b"the-id"
        assert headers[b"access-control-allow-origin"] == b"https://a.example"


def test_every_request_is_counted_with_its_rows_and_its_model() -> None:
    metrics = Metrics()
    gate = make_gate(observation=Observation(metrics, 0.0))
    for body in (json.dumps([ROW] * 3).encode(), b"{"):
        answered(gate, body)
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

    live.runtime.probabilities = fail  # type: ignore[method-assign]
    with caplog.at_level(logging.ERROR):
        answer = answered(make_gate(live), json.dumps(ROW).encode())
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert "secret of the house" in caplog.text
