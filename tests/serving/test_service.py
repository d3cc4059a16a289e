"""The prediction service: routes, keys, which model answers, and what is recorded."""

from __future__ import annotations

import json
import logging
from typing import Any

import numpy as np
import pytest

from serving.champions import Live
from serving.cors import Cors
from serving.exchange import Answer
from serving.metrics import Metrics
from serving.observation import Observation
from serving.protocols import loans, oip, tweets, v0
from serving.refusals import KeyRejected
from serving.service import PredictionService
from tables import json_text
from tables.schema import Schema, Target
from tests.serving.factory import ROW, SIGNATURE, ask, make_exchange, make_live, make_service
from tests.serving.protocols.test_loans import APPLICATION, LOANS
from tests.serving.protocols.test_tweets import TWEETS
from tests.serving.test_actions import sizes_of


class Closed:
    """A guard that turns everybody away and remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str | None, str]] = []

    def check_prediction(self, headers: Any, token: str | None, client: str) -> None:
        """Turn a caller away."""
        self.shown.append((token, client))
        raise KeyRejected("a key is needed")


def test_a_path_names_model_version_and_token() -> None:
    service = make_service(protocols=(v0, tweets, oip))
    paths = {
        "/v0/predict": {},
        "/v0/models/credit/predict": {"name": "credit"},
        "/api/v1/secret/predict": {"token": "secret"},
        "/v2/models/credit/versions/v7/infer": {"name": "credit", "version": "v7"},
    }
    for path, expected in paths.items():
        found = service.match("POST", path)
        assert found is not None
        assert found[1] == expected
        assert ("{" in found[0].pattern) == bool(expected)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v0/predict"),
        ("POST", "/v0/models//predict"),
        ("POST", "/v0/models/a/b/predict"),
        ("POST", "/v0/models/credit/predictions"),
    ],
)
def test_what_no_protocol_has_is_nobodys(method: str, path: str) -> None:
    assert make_service().match(method, path) is None


def test_a_route_without_a_name_reaches_the_model_that_declares_its_protocol() -> None:
    lives = make_live("credit"), make_live("loans", protocols=("flat",))
    service = make_service(*lives, protocols=(v0, loans))
    for path, name in (("/predict", "loans"), ("/v0/predict", "credit")):
        exchange = make_exchange(service, path)
        service.admit(exchange)
        assert exchange.live.name == name
    assert ask(make_service(lives[0], protocols=(loans,)), "/predict", ROW).status == 404


def test_a_version_that_is_not_live_is_not_there() -> None:
    service = make_service(protocols=(oip,))
    assert ask(service, "/v2/models/credit/versions/v0/infer", {}).status == 404


def test_key_then_size_then_model_are_checked_before_the_body_is_read() -> None:
    guard = Closed()
    closed = make_service(guard=guard, protocols=(v0, tweets))
    free = make_service()

    def unread() -> bytes:
        raise AssertionError("the body was read")

    for service, path, length, status in (
        (closed, "/v0/predict", "100001", 401),
        (closed, "/api/v1/secret/predict", "2", 404),
        (free, "/v0/models/nobody/predict", "100001", 413),
        (free, "/v0/models/nobody/predict", "2", 404),
    ):
        exchange = make_exchange(service, path, content_length=length)
        assert service.serve(exchange, unread).status == status
    assert [token for token, _ in guard.shown] == [None, "secret"]


@pytest.mark.parametrize("declared", ["", "-1", "1e3", "9" * 5000])
def test_a_length_that_is_none_is_refused(declared: str) -> None:
    assert ask(make_service(), "/v0/predict", ROW, content_length=declared).status == 413


@pytest.mark.parametrize(("declared", "status"), [("100000", 200), ("100001", 413)])
def test_a_body_may_be_as_long_as_the_limit(declared: str, status: int) -> None:
    assert ask(make_service(), "/v0/predict", ROW, content_length=declared).status == status


def test_a_champion_promoted_while_the_body_arrives_changes_nothing_of_its_request() -> None:
    service = make_service()
    exchange = make_exchange(service, "/v0/predict")

    def read() -> bytes:
        service.champions._live["credit"] = make_live(version="20270101t000000z-000002")
        return json.dumps(ROW).encode()

    answer = service.serve(exchange, read)
    assert json.loads(answer.body)["model"]["version"] == make_live().version


def test_a_body_that_is_waited_for_takes_no_place_of_computing() -> None:
    service = make_service(max_in_flight=1)
    exchange = make_exchange(service, "/v0/predict")

    def read() -> bytes:
        assert ask(service, "/v0/predict", ROW).status == 200
        return json.dumps(ROW).encode()

    assert service.serve(exchange, read).status == 200


def test_the_model_is_looked_up_once_and_the_body_decoded_once() -> None:
    lives = (
        make_live(),
        make_live("loans", schema=LOANS, protocols=("flat",)),
        make_live("tweets", schema=TWEETS, protocols=("keyed",)),
    )
    inputs = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a"]}]}
    for protocol, path, body in (
        (v0, "/v0/predict", ROW),
        (loans, "/predict", APPLICATION),
        (oip, "/v2/models/tweets/infer", inputs),
    ):
        service = make_service(*lives, protocols=(protocol,))
        counted = Counted(service.champions._live)
        service.champions._live = counted
        assert ask(service, path, body).status == 200
        assert counted.lookups == 1, path


class Counted(dict[str, Live]):
    """Live models that count how often one of them is looked up."""

    lookups = 0

    def get(self, *words: Any) -> Any:
        self.lookups += 1
        return super().get(*words)

    def values(self) -> Any:
        self.lookups += 1
        return super().values()


def test_requests_of_one_model_are_computed_together_and_of_another_apart() -> None:
    lives = make_live("credit"), make_live("other", version="20270101t000000z-000002")
    sizes: dict[str, list[int]] = {live.name: sizes_of(live) for live in lives}
    service = make_service(*lives)
    exchanges = []
    for age, name in ((-80, "credit"), (0, "other"), (80, "credit")):
        body = json.dumps(ROW | {"age": age}).encode()
        exchanges.append(make_exchange(service, f"/v0/models/{name}/predict", body))
        service.admit(exchanges[-1])
    documents = [json.loads(answer.body) for answer in service.answer_together(exchanges)]
    assert [one["model"]["name"] for one in documents] == ["credit", "other", "credit"]
    assert sizes == {"credit": [2], "other": [1]}
    found = [one["prediction"]["probabilities"]["true"] for one in documents]
    assert found == [0.3100255, 0.5, 0.6899745]


def test_without_a_guard_no_token_opens_anything() -> None:
    live = make_live(protocols=("keyed",))
    assert ask(make_service(live, protocols=(tweets,)), "/api/v1/any/predict", {}).status == 404


def test_more_rows_than_are_taken_are_refused() -> None:
    service = make_service(max_rows=2)
    assert ask(service, "/v0/predict", [ROW] * 2, content_type="application/json").status == 200
    assert ask(service, "/v0/predict", [ROW] * 3, content_type="application/json").status == 413


def answered(service: PredictionService, body: bytes, **headers: str) -> Answer:
    named = {"x_request_id": "the-id", "content_type": "application/json"} | headers
    return ask(service, "/v0/predict", body, **named)


def test_every_answer_bears_its_id_and_what_a_browser_needs() -> None:
    service = make_service(cors=Cors(("https://a.example",)))
    for body in (json.dumps(ROW).encode(), b"{"):
        headers = dict(answered(service, body, origin="https://a.example").headers)
        assert headers[b"x-request-id"] == b"the-id"
        assert headers[b"access-control-allow-origin"] == b"https://a.example"


def test_a_prediction_has_an_id_and_a_refusal_has_none() -> None:
    service, row = make_service(), json.dumps(ROW).encode()
    given = [dict(answered(service, row).headers)[b"x-inference-id"] for _ in range(2)]
    assert given[0] != given[1] != b"the-id"
    own = dict(answered(service, row, x_inference_id="order-7").headers)
    assert own[b"x-inference-id"] == b"order-7"
    assert b"x-inference-id" not in dict(answered(service, b"{").headers)


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


def test_a_fault_of_ours_is_in_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    live = make_live()

    def fail(batch: Any) -> Any:
        raise RuntimeError("secret of the house")

    live.runtime.outputs = fail  # type: ignore[method-assign]
    with caplog.at_level(logging.ERROR):
        answer = answered(make_service(live), json.dumps(ROW).encode())
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert "secret of the house" in caplog.text


def test_a_refusal_is_in_the_log_with_what_it_says_and_nothing_of_the_callers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = logging.getLogger("mirante.access")
    log.addHandler(caplog.handler)
    log.setLevel(logging.INFO)
    try:
        answer = ask(make_service(), "/v0/predict", [ROW, {"secretname": "secretvalue"}])
    finally:
        log.removeHandler(caplog.handler)
    line = next(vars(record) for record in caplog.records if record.name == "mirante.access")
    assert line["detail"] == "1 row does not fit the signature"
    assert (line["status"], line["route"]) == (422, "/v0/predict")
    assert line["request_id"] == json.loads(answer.body)["request_id"]
    assert "secret" not in str(line)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_model_that_answers_no_number_is_named(monkeypatch: pytest.MonkeyPatch, value: float):
    live = make_live()
    monkeypatch.setattr(live.runtime, "outputs", lambda batch: np.array([[value, 0.5]]))
    answer = ask(make_service(live), "/v0/predict", ROW)
    assert answer.status == 500
    assert b"model credit answers NaN or infinity: promote another version" in answer.body


@pytest.mark.parametrize("slashes", ["/", "//", "/" * 60_000])
def test_slashes_at_the_end_are_no_other_path(slashes: str) -> None:
    assert ask(make_service(), "/v0/predict" + slashes, ROW).status == 200


def test_more_classes_take_fewer_rows() -> None:
    schema = Schema(SIGNATURE.features, Target("y", tuple(range(50))))
    service = make_service(make_live(schema=schema), max_rows=100)
    assert ask(service, "/v0/predict", [ROW] * 20).status == 200
    refused = ask(service, "/v0/predict", [ROW] * 21)
    assert refused.status == 413
    assert b"at most 20 are taken at once of a model of 50 classes" in refused.body


def test_a_long_body_is_let_go_of_once_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "BLOCK_BYTES", 10)
    service = make_service()
    body = json.dumps([ROW]).encode()
    exchange = make_exchange(service, "/v0/predict", body, content_type="application/json")
    service.admit(exchange)
    assert service.answer(exchange).status == 200
    assert (exchange.body, exchange.size) == (b"", len(body))
