"""Answers in blocks: the same bytes as those that are made at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from serving import answer_blocks
from serving.answer_blocks import write_json
from serving.protocols import sagemaker, v0, v1, vetiver
from serving.service import PredictionService
from tables import json_text
from tests.serving.factory import ROW, ask, make_service

ROWS = [ROW | {"age": age} for age in range(20, 27)]
FRAME = {"dataframe_split": {"columns": list(ROW), "data": [list(row.values()) for row in ROWS]}}


@pytest.fixture(scope="module")
def service() -> PredictionService:
    return make_service(protocols=(v0, sagemaker, v1, vetiver))


@pytest.mark.parametrize("size", [1, 3, 6, 7, 8])
@pytest.mark.parametrize("rest", [{}, {"model": {"name": "credit"}}])
def test_rows_are_written_as_one_object(
    monkeypatch: pytest.MonkeyPatch, size: int, rest: dict[str, Any]
) -> None:
    monkeypatch.setattr(answer_blocks, "BLOCK_ROWS", size)
    # The first row says too little, or too much, of how long the others are.
    for rows in (["a", *["b" * 90] * 6], ["b" * 900, *"acdefg"], []):
        written = write_json("rows", rows, len(rows), rest)
        assert written == json.dumps({"rows": rows, **rest}, separators=(",", ":")).encode()


@pytest.mark.parametrize("accept", ["application/json", "text/csv", "application/jsonlines"])
@pytest.mark.parametrize("body", [ROWS, FRAME])
def test_many_rows_of_an_invocation_are_answered_as_few_are(
    service: PredictionService, monkeypatch: pytest.MonkeyPatch, body: Any, accept: str
) -> None:
    whole = ask(service, "/invocations", body, content_type="application/json", accept=accept)
    monkeypatch.setattr(answer_blocks, "BLOCK_ROWS", 3)
    answer = ask(service, "/invocations", body, content_type="application/json", accept=accept)
    assert (answer.status, answer.body) == (200, whole.body)


def test_many_rows_in_csv_are_answered_as_few_are(
    service: PredictionService, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"content_type": "application/json", "accept": "text/csv"}
    whole = ask(service, "/v0/predict", ROWS, **headers)
    monkeypatch.setattr(answer_blocks, "BLOCK_ROWS", 3)
    assert ask(service, "/v0/predict", ROWS, **headers).body == whole.body


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/invocations", FRAME),
        ("/v1/models/credit:predict", {"instances": FRAME["dataframe_split"]["data"]}),
        ("/predict", FRAME["dataframe_split"]["data"]),
    ],
)
def test_a_long_body_is_answered_as_a_short_one(
    service: PredictionService, monkeypatch: pytest.MonkeyPatch, path: str, body: Any
) -> None:
    whole = ask(service, path, body, content_type="application/json")
    monkeypatch.setattr(json_text, "BLOCK_BYTES", 60)
    monkeypatch.setattr(answer_blocks, "BLOCK_ROWS", 3)
    answer = ask(service, path, body, content_type="application/json")
    assert (answer.status, answer.body) == (200, whole.body)
    empty = ask(service, "/predict", b"[" + b" " * 59 + b"]", content_type="application/json")
    assert empty.status == 422
