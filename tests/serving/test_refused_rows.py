"""A row for which an imported model raises is a row's fault; the others are answered."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from serving import refused_rows
from serving.exchange import Answer
from serving.protocols import v0, v1
from serving.refused_rows import GOT
from tables.batch import Batch
from tests.serving.factory import ROW, make_exchange, make_live, make_service

IMPORTED = {"imported_from": "a test"}
SECRET = "a value that nobody may see"


def answered(
    rows: Any,
    query: bytes = b"",
    extra: dict[str, Any] | None = None,
    path: str = "/v0/predict",
) -> Answer:
    """What a model answers that raises for the age of 13."""
    live = make_live(extra=IMPORTED if extra is None else extra)
    honest = live.runtime.outputs

    def outputs(batch: Batch) -> Any:
        if (batch.matrix[:, 0] == 13).any():
            raise ValueError(SECRET)
        return honest(batch)

    live.runtime.outputs = outputs  # type: ignore[method-assign]
    service = make_service(live, protocols=(v0, v1))
    exchange = make_exchange(service, path, json.dumps(rows).encode())
    exchange.live, exchange.query = live, query
    return service.answer(exchange)


def rows_of(*ages: int) -> list[dict[str, Any]]:
    return [ROW | {"age": age} for age in ages]


def test_the_rows_are_named_and_no_value_is_echoed() -> None:
    answer = answered(rows_of(30, 13, 40, 13))
    assert answer.status == 422
    document = json.loads(answer.body)
    assert [(fault["row"], fault["got"]) for fault in document["errors"]] == [(1, GOT), (3, GOT)]
    assert SECRET not in answer.body.decode()


def test_the_good_rows_are_answered_under_partial() -> None:
    rows = [{"age": "x"}, *rows_of(30, 13, 40)]
    answer = answered(rows, b"partial=1")
    assert answer.status == 200
    document = json.loads(answer.body)
    assert [row is None for row in document["predictions"]] == [True, False, True, False]
    assert {fault["row"] for fault in document["errors"]} == {0, 2}
    assert answered(rows_of(13), b"partial=1").status == 422


def test_a_fault_of_our_own_model_is_ours() -> None:
    assert answered(rows_of(30, 13), extra={}).status == 500


def test_the_search_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused_rows.MOST_CALLS == 400
    monkeypatch.setattr(refused_rows, "MOST_CALLS", 10)
    document = json.loads(answered(rows_of(*[13] * 64)).body)
    assert 0 < len(document["errors"]) < 10


def test_no_row_is_left_out_where_the_protocol_would_not_say_which() -> None:
    rows = {"instances": rows_of(30, 13, 40)}
    assert answered(rows, b"partial=1", path="/v1/models/credit:predict").status == 422


def test_words_that_are_no_category_stay_with_their_rows() -> None:
    unseen = ((0, 2, "cave"), (1, 2, "igloo"), (3, 2, "tent"))
    assert refused_rows._moved(unseen, np.array([0, 2, 3])) == ((0, 2, "cave"), (2, 2, "tent"))
