"""An inference request's parts: JSON, then binary tensors; the answer in the same forms."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from errors import ParseError
from serving.actions import PREDICT
from serving.exchange import Exchange, Route
from serving.protocols import oip
from serving.protocols.oip.inference import (
    BINARY,
    JSON_LENGTH,
    RequestOptions,
    read_request,
    write_outputs,
)
from serving.protocols.oip.tensors import Tensor

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
    assert list(first.data) == [1, 2]
    assert list(second.data) == [3, 4]


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
    assert (options.id, [output.name for output in options.outputs]) == ("7", ["label"])
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
