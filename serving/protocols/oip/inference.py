"""An inference request of the Open Inference Protocol over REST: JSON, then binary tensors.

github.com/kserve/open-inference-protocol; in the binary tensor extension a
header says how many bytes of the body are JSON, and the tensors that have a
`binary_data_size` instead of data follow in their order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from errors import ParseError
from serving.exchange import JSON, Answer, Exchange
from serving.protocols.oip.tensors import (
    BYTES,
    NUMBERS,
    Tensor,
    tensor_of,
    tensor_of_bytes,
    to_bytes,
)
from tables.json_text import is_long
from tables.rows import parse_json

BINARY = b"application/octet-stream"
JSON_LENGTH = b"inference-header-content-length"


class Input(msgspec.Struct):
    """One input tensor; its values stand in `data`, or after the JSON."""

    name: str
    datatype: str
    shape: list[int]
    data: Any = None
    parameters: dict[str, Any] = {}


class Output(msgspec.Struct):
    """One output that the request names."""

    name: str
    parameters: dict[str, Any] = {}


class RequestOptions(msgspec.Struct):
    """What a request says of its answer."""

    id: str | None = None
    outputs: list[Output] = []
    parameters: dict[str, Any] = {}


class Inference(RequestOptions, kw_only=True):
    """A request: its options and its input tensors."""

    inputs: list[Input]


_inference = msgspec.json.Decoder(Inference)


def read_request(exchange: Exchange) -> tuple[RequestOptions, list[Tensor]]:
    """Return what a request says of its answer, and its input tensors. Raises ParseError."""
    length = _json_length(exchange)
    inference: Inference = _parse(_inference, exchange.body[:length], exchange)
    binary, tensors = exchange.body[length:], []
    for given in inference.inputs:
        size = given.parameters.get("binary_data_size")
        if size is None:
            tensors.append(tensor_of(given.name, given.datatype, given.shape, given.data))
            continue
        if type(size) is not int or not 0 <= size <= len(binary):
            raise ParseError("binary_data_size: expected as many bytes as follow the JSON")
        raw, binary = binary[:size], binary[size:]
        tensors.append(tensor_of_bytes(given.name, given.datatype, given.shape, raw))
    if binary:
        raise ParseError("more bytes follow the JSON than its binary_data_size say")
    return inference, tensors


def _json_length(exchange: Exchange) -> int:
    given = exchange.headers.get(JSON_LENGTH)
    if given is None:
        return len(exchange.body)
    if not given.isdigit() or len(given) > 12 or int(given) > len(exchange.body):
        raise ParseError("Inference-Header-Content-Length: expected the JSON's length in bytes")
    return int(given)


def _parse(decoder: msgspec.json.Decoder[Any], document: bytes, exchange: Exchange) -> Any:
    try:
        if is_long(document):  # which is parsed a block at a time
            width = len(exchange.live.schema.features)
            return msgspec.convert(parse_json(document, exchange.max_rows, width), decoder.type)
        return decoder.decode(document)
    except msgspec.ValidationError as error:
        # Of types and members alone: msgspec quotes no value.
        raise ParseError(f"the body is no inference request: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        parse_json(document)  # which says where
        raise ParseError("the body is not JSON") from None


def write_outputs(
    document: dict[str, Any], options: RequestOptions, tensors: Iterable[Tensor]
) -> Answer:
    """Return the answer: `document` and the outputs, in binary where the options say so."""
    default = options.parameters.get("binary_data_output") is True
    by_name = {out.name: out.parameters.get("binary_data", default) for out in options.outputs}
    written, binary = [], []
    for tensor in tensors:
        entry: dict[str, Any] = {
            "name": tensor.name,
            "datatype": tensor.datatype,
            "shape": tensor.shape,
        }
        if by_name.get(tensor.name, default) is True:
            binary.append(to_bytes(tensor))
            written.append(entry | {"parameters": {"binary_data_size": len(binary[-1])}})
        else:
            written.append(entry | {"data": tensor.data})
    body = msgspec.json.encode(document | {"outputs": written})
    if not binary:
        return Answer(200, body, JSON)
    length = (JSON_LENGTH, str(len(body)).encode())
    return Answer(200, b"".join([body, *binary]), BINARY, (length,))


# The same in JSON Schema, for the OpenAPI document.
_TENSOR = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "datatype": {"enum": [*NUMBERS, BYTES]},
        "shape": {
            "type": "array",
            "items": {"type": "integer", "minimum": 0},
            "minItems": 1,
            "maxItems": 2,
        },
        "data": {"type": "array"},
        "parameters": {"type": "object"},
    },
    "required": ["name", "datatype", "shape"],
}
REQUEST = {
    "type": "object",
    "properties": {
        "id": {"type": ["string", "null"]},
        "inputs": {"type": "array", "items": _TENSOR, "minItems": 1},
        "outputs": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": {"enum": ["label", "probabilities"]},
                    "parameters": {"type": "object"},
                },
                "required": ["name"],
            },
        },
        "parameters": {"type": "object"},
    },
    "required": ["inputs"],
}
ANSWER = {
    "type": "object",
    "properties": {
        "model_name": {"type": "string"},
        "model_version": {"type": "string"},
        "id": {"type": "string"},
        "parameters": {
            "type": "object",
            "properties": {"warnings": {"type": "string", "contentMediaType": "application/json"}},
        },
        "outputs": {"type": "array", "items": _TENSOR},
    },
    "required": ["model_name", "model_version", "outputs"],
}
ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
