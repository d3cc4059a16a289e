"""What a request says of its answer, and what its answer says of its rows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from errors import ParseError
from serving.actions import PREDICT, predict
from serving.exchange import Exchange, Route
from serving.protocols import oip
from serving.protocols.oip.options import (
    Output,
    RequestOptions,
    answer_parameters,
    content_type,
    decode,
    outputs_of,
)
from serving.protocols.oip.tensors import tensor_of
from serving.refusals import RequestError
from tests.serving.factory import ROW, make_live

ROUTE = Route("POST", "/v2/models/{name}/infer", PREDICT, oip)
KINDS = {"age": "FP64", "income": "FP64", "home": "BYTES", "records": "BYTES"}


def asked(rows: list[Any], query: bytes = b"", **options: Any) -> Exchange:
    exchange = Exchange(ROUTE, {}, "id", query)
    exchange.live, exchange.options = make_live(), RequestOptions(**options)
    tensors = [tensor_of(n, KINDS[n], [len(rows)], [row[n] for row in rows]) for n in ROW]
    exchange.decoded = decode(exchange, tensors)
    predict([exchange])
    return exchange


@pytest.mark.parametrize(
    ("query", "options"), [(b"partial=1", {}), (b"", {"parameters": {"partial": True}})]
)
def test_under_partial_the_good_rows_are_answered_and_the_others_told(
    query: bytes, options: dict[str, Any]
) -> None:
    exchange = asked([ROW, ROW | {"age": 1.5}, ROW | {"home": "tent"}], query, **options)
    assert [output.shape for output in outputs_of(exchange)] == [(2,), (2, 2)]
    said = answer_parameters(exchange.decoded)
    assert json.loads(str(said["rows"])) == [0, 2]
    (fault,) = json.loads(str(said["errors"]))
    assert (fault["row"], fault["field"], fault["expected"]) == (1, "age", "integer")
    (warning,) = json.loads(str(said["warnings"]))
    assert (warning["row"], warning["field"]) == (2, "home")


def test_what_is_told_is_bounded_and_counted() -> None:
    exchange = asked(
        [ROW] + [ROW | {"age": 1.5}] * 300 + [ROW | {"home": "tent"}] * 300, b"partial=1"
    )
    said = answer_parameters(exchange.decoded)
    assert len(json.loads(str(said["errors"]))) == len(json.loads(str(said["warnings"]))) == 100
    assert (said["errors_omitted"], said["warnings_omitted"]) == (200, 200)


def test_of_good_rows_nothing_is_said() -> None:
    assert answer_parameters(asked([ROW]).decoded) == {}


def test_classes_are_counted_by_the_parameter_of_an_output() -> None:
    def top(count: Any) -> list[Any]:
        output = Output("probabilities", {"classification": count})
        return list(outputs_of(asked([ROW], outputs=[output]))[0].values())

    assert top(1) == [f"{list(outputs_of(asked([ROW]))[1].values())[1]:f}:1:true"]
    assert len(top(2)) == 2
    assert len(top(None)) == 2
    for count in (0, -1, 1.0, "1", True):
        with pytest.raises(RequestError, match="classification: expected how many"):
            top(count)


def test_a_content_type_is_a_text() -> None:
    assert content_type({"content_type": "base64"}) == "base64"
    assert content_type(None) is content_type({"content_type": None}) is None
    with pytest.raises(ParseError):
        content_type({"content_type": 1})
