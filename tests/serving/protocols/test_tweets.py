"""The tweets protocol: texts by key in, their classes by the same keys out."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from serving.auth import Guard, KeyRing, new_key
from serving.protocols import tweets
from serving.service import PredictionService
from tables.batch import Batch
from tables.schema import Feature, Schema, Target
from tests.serving.factory import ask, make_live, make_service

TWEETS = Schema(
    (Feature("text", "text", example="hello"),), Target("mood", ("negative", "positive"))
)


def make_tweets(guard: Guard | None = None, **options: Any) -> PredictionService:
    live = make_live("tweets", schema=TWEETS, protocols=("keyed",))
    return make_service(live, protocols=(tweets,), guard=guard, **options)


@pytest.fixture(scope="module")
def token_and_service() -> tuple[str, PredictionService]:
    token, key = new_key("client", ["predict"])
    return token, make_tweets(Guard(KeyRing([key.entry()])))


@pytest.fixture
def path(token_and_service) -> str:
    return f"/api/v1/{token_and_service[0]}/predict"


@pytest.fixture
def service(token_and_service) -> PredictionService:
    return token_and_service[1]


def test_each_text_is_answered_under_its_key_in_its_order(service, path):
    answer = ask(service, path, b'{"2": "another", "10": "", "1": "a tweet", "\xc3\xa9": "x"}')
    assert answer.status == 200
    named = json.loads(answer.body)
    assert list(named) == ["2", "10", "1", "é"]
    # The factory's model finds any text positive; only an empty one is a tie, won by the first.
    assert named == {"2": "Positive", "10": "Negative", "1": "Positive", "é": "Positive"}


def test_a_byte_order_mark_and_a_key_given_twice_are_taken(service, path):
    assert json.loads(ask(service, path, b'\xef\xbb\xbf{"1": "a"}').body) == {"1": "Positive"}
    assert json.loads(ask(service, path, b'{"1": "a", "2": "", "1": ""}').body) == {
        "1": "Negative",
        "2": "Negative",
    }


def test_a_thousand_texts_are_one_call_of_the_runtime(service, path, monkeypatch):
    runtime = service.champions.live("tweets").runtime
    seen: list[Batch] = []
    honest = runtime.outputs

    def outputs(batch: Batch) -> Any:
        seen.append(batch)
        return honest(batch)

    monkeypatch.setattr(runtime, "outputs", outputs)
    texts = {str(index): "x" * (index % 2) for index in range(1000)}
    named = json.loads(ask(service, path, texts).body)
    assert list(named) == list(texts)
    assert [named["0"], named["1"]] == ["Negative", "Positive"]
    assert len(seen) == 1


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[]", b'["a"]', b'{"1": 2}', b'{"1": null}', b'"a"', b"", b"{", b'{"a": "\\ud800"}'],
)
def test_what_is_no_object_of_texts_is_a_400_with_a_detail(service, path, body):
    answer = ask(service, path, body)
    assert answer.status == 400
    document = json.loads(answer.body)
    assert (document["error"], document["text"]) == (400, "Bad Request")
    assert document["detail"]


def test_other_faults_have_their_own_status_in_the_same_form(service, path):
    answer = ask(service, path, {"1": "a"}, content_type="text/csv")
    assert (answer.status, json.loads(answer.body)["text"]) == (415, "Unsupported Media Type")
    assert ask(make_tweets(), "/api/v1/t/predict", {"1": "a"}).status == 404
    many = {str(index): "a" for index in range(1001)}
    assert ask(service, path, many).status == 413


def test_a_wrong_token_is_a_path_where_there_is_nothing_and_nowhere_written(service, caplog):
    caplog.set_level(logging.DEBUG)
    answer = ask(service, "/api/v1/mirante_wrong/predict", {"1": "a"})
    assert answer.status == 404
    assert json.loads(answer.body)["error"] == 404
    assert b"mirante_wrong" not in answer.body
    assert "mirante_wrong" not in caplog.text


def test_a_key_without_the_scope_is_no_better_than_a_wrong_one():
    token, key = new_key("trainer", ["train"])
    service = make_tweets(Guard(KeyRing([key.entry()])))
    assert ask(service, f"/api/v1/{token}/predict", {"1": "a"}).status == 404


def test_without_a_guard_no_token_is_good():
    assert ask(make_tweets(), "/api/v1/anything/predict", {"1": "a"}).status == 404
