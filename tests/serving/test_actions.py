"""Actions: what is computed of decoded exchanges, together and alone."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from serving.actions import predict
from serving.champions import Live
from serving.exchange import Exchange
from serving.protocols import tweets, v0
from serving.service import PredictionService
from tables.batch import Batch
from tests.serving.explained import live_of, rows_of
from tests.serving.factory import ROW, make_exchange, make_live, make_service
from tests.serving.protocols.test_tweets import TWEETS


def decoded(service: PredictionService, live: Live, *rows: Any) -> list[Exchange]:
    made = []
    for row in rows:
        exchange = make_exchange(service, "/v0/predict", json.dumps(row).encode())
        exchange.live = live
        exchange.decoded = v0.decode(exchange)
        made.append(exchange)
    return made


def sizes_of(live: Live) -> list[int]:
    """Return a list that gets the rows of each call of the runtime; age 13 makes it fail."""
    sizes: list[int] = []
    honest = live.runtime.outputs

    def probabilities(batch: Batch) -> Any:
        sizes.append(len(batch.matrix))
        if batch.matrix.shape[1] and (batch.matrix[:, 0] == 13).any():
            raise RuntimeError("unlucky")
        return honest(batch)

    live.runtime.outputs = probabilities  # type: ignore[method-assign]
    return sizes


def test_requests_are_predicted_in_one_call_each_with_its_own_rows() -> None:
    live = make_live()
    rows = [ROW, [ROW | {"age": 60}, ROW | {"age": -60}], ROW | {"age": 0}]
    group, alone = (decoded(make_service(live), live, *rows) for _ in range(2))
    sizes = sizes_of(live)
    predict(group)
    assert sizes == [4]
    for exchange in alone:
        predict([exchange])
    assert [one.prediction for one in group] == [one.prediction for one in alone]


def test_texts_are_predicted_in_one_call_too(caplog: pytest.LogCaptureFixture) -> None:
    live = make_live("tweets", schema=TWEETS)
    service = make_service(live, protocols=(v0, tweets))
    group = decoded(service, live, {"text": "hello"}, [{"text": ""}, {"text": "you"}])
    sizes = sizes_of(live)
    predict(group)
    assert sizes == [3]
    assert [one.prediction.winners for one in group] == [[1], [0, 1]]
    assert not caplog.records


def test_texts_of_each_request_stay_its_own() -> None:
    live = make_live("tweets", schema=TWEETS)
    texts = ["a", "a much longer one"]
    group = decoded(make_service(live), live, *({"text": text} for text in texts))
    sizes = sizes_of(live)
    predict(group)
    assert sizes == [2]
    assert [one.decoded.batch.texts for one in group] == [(["a"],), (["a much longer one"],)]
    assert group[0].prediction != group[1].prediction


def test_a_request_that_breaks_the_joined_prediction_fails_alone_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    live = make_live()
    group = decoded(make_service(live), live, ROW, ROW | {"age": 13}, ROW | {"age": 40})
    sizes = sizes_of(live)
    with caplog.at_level(logging.ERROR):
        predict(group)
    assert sizes == [3, 1, 1, 1]
    assert [type(one.error) for one in group] == [type(None), RuntimeError, type(None)]
    assert "a joined prediction failed" in caplog.text


def test_a_request_alone_fails_once_and_the_log_says_nothing_of_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    live = make_live()
    group = decoded(make_service(live), live, ROW | {"age": 13})
    sizes = sizes_of(live)
    predict(group)
    assert sizes == [1]
    assert isinstance(group[0].error, RuntimeError)
    assert not caplog.records


def explained(service: PredictionService, live: Live, *queries: str) -> list[Exchange]:
    made = []
    for query, row in zip(queries, rows_of(), strict=True):
        exchange = make_exchange(service, f"/v0/predict{query}", json.dumps(row).encode())
        exchange.live = live
        exchange.decoded = v0.decode(exchange)
        made.append(exchange)
    return made


def test_what_is_asked_together_is_explained_together_and_as_alone() -> None:
    live = live_of()
    service = make_service(live)
    queries = ("?explain=1", "?explain=1&explain_class=no", "")
    group = explained(service, live, *queries)
    predict(group)
    assert group[2].contributions is None
    for index, exchange in enumerate(explained(service, live, *queries)):
        predict([exchange])
        alone, together = exchange.contributions, group[index].contributions
        if alone is not None and together is not None:
            assert alone.values.tolist() == together.values.tolist()
            assert alone.baselines == together.baselines
            assert alone.classes == together.classes
    assert group[1].contributions is not None


def test_one_that_asks_for_what_there_is_not_fails_by_itself() -> None:
    live = live_of()
    group = explained(make_service(live), live, "?explain=1", "?explain=x", "?explain=1")
    predict(group)
    assert [exchange.error is not None for exchange in group] == [False, True, False]
    assert group[0].contributions is not None


def test_explanations_that_fail_together_are_made_one_by_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    live = live_of()
    assert live.explainer is not None
    honest = live.explainer.explain

    def unlucky(batch: Batch, outputs: Any, words: bool = True) -> Any:
        if len(batch.matrix) > 1:
            raise RuntimeError("unlucky")
        return honest(batch, outputs, words)

    monkeypatch.setattr(live.explainer, "explain", unlucky)
    group = explained(make_service(live), live, "?explain=1", "?explain=1", "?explain=1")
    with caplog.at_level(logging.ERROR):
        predict(group)
    assert all(exchange.contributions is not None for exchange in group)
    assert "joined explanations failed" in caplog.text
