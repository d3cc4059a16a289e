"""The v0 protocol by the service alone; test_transports.py calls it under ASGI and WSGI."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from serving import answer_blocks
from serving.exchange import Answer
from serving.protocols import v0
from serving.service import PredictionService
from serving.warnings import UNKNOWN_CATEGORY
from tests.serving.factory import ROW, ask, make_service

JSON = {"content_type": "application/json"}
CSV = b"age,income,home,records\n30,12.5,rent,no\nold,1,rent,no\n"


@pytest.fixture(scope="module")
def service() -> PredictionService:
    return make_service(protocols=(v0,))


def read(answer: Answer) -> Any:
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def test_an_object_has_one_prediction_and_a_list_has_as_many_as_rows(
    service: PredictionService,
) -> None:
    alone = read(ask(service, "/v0/predict", ROW, **JSON))
    listed = read(ask(service, "/v0/predict", [ROW], **JSON))
    assert listed["predictions"] == [alone["prediction"]]
    assert "predictions" not in alone
    assert "prediction" not in listed
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", alone["prediction_time"])


@pytest.mark.parametrize("start", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf "])
def test_what_stands_before_the_row_does_not_matter(
    service: PredictionService, start: bytes
) -> None:
    body = start + json.dumps(ROW).encode()
    assert "prediction" in read(ask(service, "/v0/predict", body, **JSON))


@pytest.mark.parametrize("body", [b"", b" \n", b"\xef\xbb\xbf"])
def test_an_empty_body_says_what_was_expected(service: PredictionService, body: bytes) -> None:
    answer = ask(service, "/v0/predict", body, **JSON)
    assert answer.status == 400
    assert json.loads(answer.body)["detail"].startswith("the body is empty; expected an object")


def test_a_bad_row_leaves_its_place_empty_in_csv_too(service: PredictionService) -> None:
    given = {"content_type": "text/csv", "accept": "text/csv"}
    answer = ask(service, "/v0/predict?partial=1", CSV, **given)
    header, good, bad = answer.body.decode().splitlines()
    assert header.count(",") == good.count(",") == bad.count(",") == 3
    assert good.startswith("true,0.5")
    assert bad == ",,,"


def test_a_category_never_seen_is_warned_of_in_its_row(service: PredictionService) -> None:
    answer = read(ask(service, "/v0/predict", [ROW, ROW | {"home": "igloo"}], **JSON))
    warning = {"row": 1, "field": "home", "message": UNKNOWN_CATEGORY}
    assert answer["warnings"] == [warning]
    assert ask(service, "/v0/predict?strict=1", ROW | {"home": "igloo"}, **JSON).status == 422
    assert ask(service, "/v0/predict?strict=perhaps", ROW, **JSON).status == 400


def test_an_answer_lists_a_hundred_problems_and_warnings_and_counts_the_others():
    service = make_service()
    rows = [ROW | {"home": "tent"}] * 150 + [{}] * 150
    answer = json.loads(ask(service, "/v0/predict?partial=1", rows).body)
    assert (len(answer["errors"]), answer["errors_omitted"]) == (100, 150 * 2 - 100)
    assert (len(answer["warnings"]), answer["warnings_omitted"]) == (100, 50)
    assert answer["predictions"][150:] == [None] * 150


def test_many_rows_are_answered_in_blocks_as_few_are(
    service: PredictionService, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [ROW | {"age": age} for age in range(20, 27)]
    whole = read(ask(service, "/v0/predict", rows, **JSON))
    assert answer_blocks.BLOCK_ROWS == 2000
    for size in (1, 3, 6, 7):
        monkeypatch.setattr(answer_blocks, "BLOCK_ROWS", size)
        answer = ask(service, "/v0/predict", rows, **JSON)
        assert read(answer)["predictions"] == whole["predictions"]
    bad = [*rows, ROW | {"age": "old"}]
    assert read(ask(service, "/v0/predict?partial=1", bad, **JSON))["predictions"][-1] is None
