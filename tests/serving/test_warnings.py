"""Warnings: what is said of answered rows, where each protocol has room for it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from serving.protocols import loans, oip, sagemaker, v0
from serving.service import PredictionService
from serving.warnings import HEADER, MISSING_VALUE, MOST_IN_HEADER, UNKNOWN_CATEGORY
from tests.serving.factory import ROW, SIGNATURE, ask, make_live, make_service

IMPUTING = msgspec.structs.replace(SIGNATURE, imputes=True)
MISSING = [{"row": 0, "field": "records", "message": MISSING_VALUE}]
UNKNOWN = [{"row": 0, "field": "home", "message": UNKNOWN_CATEGORY}]
CELLS = b"age,income,home,records\n30,12.5,rent,\n"


def service_of(schema: Any = IMPUTING) -> PredictionService:
    live = make_live(schema=schema, protocols=("flat",))
    return make_service(live, protocols=(v0, loans, sagemaker, oip))


def tensors(records: Any = None, home: str = "rent", **more: Any) -> dict[str, Any]:
    given = {"age": ("INT64", 30), "income": ("FP64", 12.5), "home": ("BYTES", home)}
    given["records"] = ("FP64", records)
    inputs = [
        {"name": name, "datatype": datatype, "shape": [1], "data": [value]}
        for name, (datatype, value) in given.items()
    ]
    return {"inputs": inputs, **more}


NULLS: list[tuple[str, Any, str]] = [
    ("/v0/predict", ROW | {"records": None}, "application/json"),
    ("/v0/predict", [ROW | {"records": None}], "application/json"),
    ("/v0/predict", CELLS, "text/csv"),
    ("/v0/predict", json.dumps(ROW | {"records": None}).encode(), "application/x-ndjson"),
    ("/invocations", ROW | {"records": None}, "application/json"),
    (
        "/invocations",
        {name: [v] for name, v in (ROW | {"records": None}).items()},
        "application/json",
    ),
    ("/invocations", CELLS.splitlines()[1], "text/csv"),
    ("/invocations", json.dumps(ROW | {"records": None}).encode(), "application/jsonlines"),
    ("/predict", ROW | {"records": None}, "application/json"),
    ("/v2/models/credit/infer", tensors(), "application/json"),
]


@pytest.mark.parametrize(("path", "body", "media"), NULLS)
def test_a_null_that_training_never_had_is_answered_or_refused(
    path: str, body: Any, media: str
) -> None:
    answer = ask(service_of(), path, body, content_type=media)
    assert answer.status == 200, answer.body
    said = json.loads(answer.body)
    found = said.get("warnings") or json.loads(said.get("parameters", {}).get("warnings", "null"))
    assert found == MISSING or json.loads(dict(answer.headers)[HEADER])["warnings"] == MISSING
    if path != "/predict":
        strict = ask(service_of(), f"{path}?strict=1", body, content_type=media)
        assert strict.status == 422
    assert ask(service_of(SIGNATURE), path, body, content_type=media).status == 422


@pytest.mark.parametrize("accept", ["text/csv", "application/jsonlines"])
def test_an_answer_without_room_says_it_in_a_header(accept: str) -> None:
    rows = [ROW | {"records": None}] * (MOST_IN_HEADER + 2)
    answer = ask(service_of(), "/invocations", rows, accept=accept)
    said = json.loads(dict(answer.headers)[HEADER])
    assert said["count"] == MOST_IN_HEADER + 2
    assert said["warnings"][0] == MISSING[0]
    assert len(said["warnings"]) == MOST_IN_HEADER
    assert HEADER not in dict(ask(service_of(), "/invocations", ROW, accept=accept).headers)


def test_a_category_never_seen_is_said_in_the_same_way() -> None:
    row = ROW | {"home": "igloo"}
    answer = json.loads(ask(service_of(), "/invocations", row).body)
    assert answer["warnings"] == UNKNOWN
    assert ask(service_of(), "/invocations?strict=1", row).status == 422
    answer = json.loads(ask(service_of(), "/v2/models/credit/infer", tensors(1, "igloo")).body)
    assert json.loads(answer["parameters"]["warnings"]) == UNKNOWN
    strict = tensors(1, "igloo", parameters={"strict": True})
    assert ask(service_of(), "/v2/models/credit/infer", strict).status == 422


def test_nothing_is_said_of_a_row_like_those_of_training() -> None:
    for path, body in (("/v0/predict", ROW), ("/invocations", ROW)):
        assert b"warnings" not in ask(service_of(), path, body).body
    assert b"parameters" not in ask(service_of(), "/v2/models/credit/infer", tensors(1)).body


def test_warnings_stand_in_the_order_of_rows() -> None:
    rows = [
        ROW | {"records": None},
        ROW | {"home": "igloo"},
        ROW | {"records": None, "home": "igloo"},
    ]
    answer = json.loads(ask(service_of(), "/v0/predict", rows).body)
    assert [(w["row"], w["field"]) for w in answer["warnings"]] == [
        (0, "records"),
        (1, "home"),
        (2, "home"),
        (2, "records"),
    ]


def test_an_absent_field_is_still_a_fault() -> None:
    row = {name: value for name, value in ROW.items() if name != "age"}
    assert ask(service_of(), "/v0/predict", row).status == 422
