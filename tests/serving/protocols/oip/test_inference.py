"""An inference request's parts: JSON, then binary tensors; the answer in the same forms."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest

from errors import ParseError, TooManyRows
from serving.actions import PREDICT
from serving.exchange import Exchange, Route
from serving.protocols import oip
from serving.protocols.oip.inference import (
    BINARY,
    JSON_LENGTH,
    read_request,
    write_outputs,
)
from serving.protocols.oip.options import RequestOptions
from serving.protocols.oip.tensors import Tensor
from tables.json_text import BLOCK_BYTES
from tests.serving.factory import make_live

BARE = {"name": "rows", "datatype": "FP32", "shape": [2]}


ROUTE = Route("POST", "/v2/models/{name}/infer", PREDICT, oip)


def exchange(document: Any, raw: bytes = b"", length: str | None = "") -> Exchange:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    headers = {}
    if length is not None:
        headers[JSON_LENGTH] = (length or str(len(body))).encode()
    return Exchange(ROUTE, headers, "id", body=body + raw)


def sized(size: Any) -> dict[str, Any]:
    return {"inputs": [BARE | {"parameters": {"binary_data_size": size}}]}


def test_tensors_stand_in_the_json_or_behind_it() -> None:
    inputs = [BARE | {"data": [1, 2]}, BARE | {"parameters": {"binary_data_size": 8}}]
    _, (first, second) = read_request(exchange({"inputs": inputs}, struct.pack("<2f", 3, 4)))
    assert list(first.values()) == [1, 2]
    assert list(second.values()) == [3, 4]


@pytest.mark.parametrize("size", [9, -1, "8", None, True])
def test_a_size_that_is_not_that_of_the_bytes_is_refused(size: Any) -> None:
    with pytest.raises(ParseError):
        read_request(exchange(sized(size), struct.pack("<2f", 3, 4)))


def test_bytes_that_belong_to_no_tensor_are_refused() -> None:
    with pytest.raises(ParseError, match="more bytes follow"):
        read_request(exchange({"inputs": [BARE | {"data": [1, 2]}]}, b"x"))


@pytest.mark.parametrize("length", ["x", "-1", "9" * 13, "5000"])
def test_a_length_of_the_json_that_cannot_be_is_refused(length: str) -> None:
    with pytest.raises(ParseError, match="Inference-Header-Content-Length"):
        read_request(exchange({"inputs": []}, length=length))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"inputs":3}', b"\xff", b"[" * 5000])
def test_what_is_no_inference_request_is_malformed(body: bytes) -> None:
    with pytest.raises(ParseError):
        read_request(exchange(body, length=None))


def test_what_a_request_says_of_its_answer_comes_with_its_inputs() -> None:
    document = {"id": "7", "inputs": [], "outputs": [{"name": "label"}]}
    options, tensors = read_request(exchange(document, length=None))
    assert (options.id, [output.name for output in options.outputs or ()]) == ("7", ["label"])
    assert tensors == []


TENSORS = [Tensor("label", "BYTES", (1,), ["a"]), Tensor("chance", "FP64", (1,), [0.5])]


def test_an_answer_is_json_unless_binary_is_requested() -> None:
    answer = write_outputs({"id": "7"}, RequestOptions(), TENSORS)
    document = json.loads(answer.body)
    assert answer.content_type == b"application/json"
    assert (document["id"], document["outputs"][1]["data"]) == ("7", [0.5])


@pytest.mark.parametrize(
    ("parameters", "outputs", "binary"),
    [
        ({"binary_data_output": True}, [], ["label", "chance"]),
        ({}, [("label", {"binary_data": True})], ["label"]),
        ({"binary_data_output": True}, [("label", {"binary_data": False})], ["chance"]),
    ],
)
def test_binary_outputs_follow_the_json_in_their_order(
    parameters: dict[str, Any], outputs: list[tuple[str, Any]], binary: list[str]
) -> None:
    listed = [{"name": name, "parameters": given} for name, given in outputs]
    document = {"inputs": [], "outputs": listed, "parameters": parameters}
    options, _ = read_request(exchange(document, length=None))
    answer = write_outputs({}, options, TENSORS)
    assert answer.content_type == BINARY
    length = int(dict(answer.headers)[JSON_LENGTH])
    written = json.loads(answer.body[:length])["outputs"]
    assert [one["name"] for one in written if "parameters" in one] == binary
    raw = {"label": struct.pack("<I", 1) + b"a", "chance": struct.pack("<d", 0.5)}
    assert answer.body[length:] == b"".join(raw[name] for name in binary)


def test_nan_as_tritons_client_writes_it_is_null() -> None:
    asked = {"inputs": [BARE | {"data": [1, math.nan]}]}  # json.dumps writes NaN
    _, (read,) = read_request(exchange(asked, length=None))
    assert list(read.values()) == [1, None]
    with pytest.raises(ParseError, match="no inference request"):
        read_request(exchange({"inputs": [{"data": [math.nan]}]}, length=None))


def test_a_member_that_is_null_is_as_one_that_is_not_there() -> None:
    tensor = BARE | {"data": [1, None], "parameters": None}
    document = {"id": None, "inputs": [tensor], "outputs": None, "parameters": None}
    options, (read,) = read_request(exchange(document, length=None))
    assert (options.id, options.outputs, options.parameters) == (None, None, None)
    assert list(read.values()) == [1, None]
    assert write_outputs({}, options, TENSORS).content_type == b"application/json"
    outputs = [{"name": "label", "parameters": None}]
    options, _ = read_request(exchange(document | {"outputs": outputs}, length=None))
    assert write_outputs({}, options, TENSORS).content_type == b"application/json"
    both = {"outputs": [{"name": "label", "parameters": {"binary_data": None}}]}
    options, _ = read_request(
        exchange(document | both | {"parameters": {"binary_data_output": True}}, length=None)
    )
    assert write_outputs({}, options, TENSORS).content_type == BINARY


def test_a_tensor_without_a_datatype_has_that_of_its_values_and_needs_one_in_binary() -> None:
    bare = {"name": "rows", "shape": [1]}
    _, (read,) = read_request(exchange({"inputs": [bare | {"data": ["a"]}]}, length=None))
    assert read.datatype == "BYTES"
    with pytest.raises(ParseError, match="in binary"):
        read_request(exchange({"inputs": [bare | {"parameters": {"binary_data_size": 1}}]}, b"a"))


# ---------------------------------------------------------------- long bodies

MANY = 60_000


def long(document: dict[str, Any], raw: bytes = b"") -> Any:
    asked = exchange(document, raw)
    asked.live = make_live()
    assert len(asked.body) - len(raw) > BLOCK_BYTES
    return read_request(asked)


def test_a_long_request_is_read_as_a_short_one() -> None:
    document = {
        "id": "7",
        "inputs": [
            {"name": "home", "datatype": "BYTES", "shape": [MANY], "data": ["rent"] * MANY},
            {"name": "age", "shape": [MANY, 1], "data": [[30]] * MANY},
            {
                "name": "income",
                "datatype": "FP64",
                "shape": [2],
                "parameters": {"binary_data_size": 16},
            },
        ],
        "outputs": [{"name": "label"}],
        "parameters": {"strict": True},
        "of_others": {"a": [1]},
    }
    options, (home, age, income) = long(document, struct.pack("<2d", 1, 2))
    assert (options.id, options.parameters) == ("7", {"strict": True})
    assert [output.name for output in options.outputs] == ["label"]
    assert set(home.values()) == {"rent"}
    assert (age.datatype, set(age.values())) == ("FP64", {30.0})
    assert list(income.values()) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("parameters", {"x": ["a"] * 2 * MANY}),
        ("outputs", [{"name": "label"}] * MANY),
        ("id", "a" * 8 * MANY),
        ("inputs", [BARE] * 10_001),
        ("inputs", [BARE | {"shape": [1] * 4 * MANY}]),
        ("inputs", [BARE | {"parameters": {"x": "a" * 8 * MANY}}]),
        ("inputs", [BARE | {"shape": [10**6]}]),
        ("inputs", [BARE | {"shape": [4, 5]}]),
        ("inputs", [BARE | {"datatype": "FP31"}]),
        ("inputs", [BARE]),
        ("inputs", {"a": 1}),
    ],
)
def test_what_is_long_besides_its_values_is_refused(member: str, value: Any) -> None:
    with pytest.raises((ParseError, TooManyRows)):
        long({"inputs": [], "padding": "a" * BLOCK_BYTES} | {member: value})


def test_a_long_body_that_is_no_json_says_where() -> None:
    asked = exchange(b'{"inputs": [' + b" " * BLOCK_BYTES + b"}")
    with pytest.raises(ParseError, match="JSON"):
        read_request(asked)
