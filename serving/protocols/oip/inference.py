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
from serving.description import VALUE, VALUES
from serving.exchange import JSON, NO_PARAMETERS, Answer, Exchange
from serving.protocols.oip.options import RequestOptions, content_type
from serving.protocols.oip.tensors import (
    Tensor,
    check_shape,
    tensor_of,
    tensor_of_bytes,
    to_bytes,
)
from serving.protocols.oip.values import BYTES, NUMBERS, check_datatype, read_long
from tables.json_text import is_long
from tables.rows import parse_json

BINARY = b"application/octet-stream"
JSON_LENGTH = b"inference-header-content-length"


# Of a long body: what is said besides its tensors, how many they are, the text of a shape.
MOST_SAID = 64 * 1024
MOST_INPUTS = 10_000
LONGEST_SHAPE = 256


class Input(msgspec.Struct):
    """One input tensor; its values stand in `data`, or after the JSON."""

    name: str
    shape: list[int]
    datatype: str | None = None
    data: Any = None
    parameters: dict[str, Any] | None = None


class Inference(RequestOptions, kw_only=True):
    """A request: its options and its input tensors."""

    inputs: list[Input]


class LongInference(msgspec.Struct):
    """A long request, whose members are looked at before they are parsed."""

    inputs: msgspec.Raw
    id: msgspec.Raw = msgspec.Raw(b"null")
    outputs: msgspec.Raw = msgspec.Raw(b"null")
    parameters: msgspec.Raw = msgspec.Raw(b"null")


class LongInput(msgspec.Struct):
    """An input tensor of a long request."""

    name: str
    shape: msgspec.Raw
    datatype: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    parameters: msgspec.Raw = msgspec.Raw(b"null")


_inference = msgspec.json.Decoder(Inference)
_long_inference = msgspec.json.Decoder(LongInference)
_inputs = msgspec.json.Decoder(list[msgspec.Raw])
_long_input = msgspec.json.Decoder(LongInput)
_options = msgspec.json.Decoder(RequestOptions)
_shape = msgspec.json.Decoder(list[int])
_parameters = msgspec.json.Decoder(dict[str, Any] | None)


def read_request(exchange: Exchange) -> tuple[RequestOptions, list[Tensor]]:
    """Return what a request says of its answer, and its input tensors.

    Raises ParseError, and TooManyRows.
    """
    length = _json_length(exchange)
    binary = _Binary(exchange.body[length:])
    if is_long(exchange.body[:length]):
        options, tensors = _read_long(exchange, exchange.body[:length], binary)
    else:
        inference: Inference = _parse(_inference, exchange.body[:length])
        options = inference
        tensors = [_read_input(given, binary) for given in inference.inputs]
    if binary.rest:
        raise ParseError("more bytes follow the JSON than its binary_data_size say")
    return options, tensors


class _Binary:
    """The tensors that follow the JSON."""

    def __init__(self, rest: bytes) -> None:
        self.rest = memoryview(rest)

    def take(self, size: Any) -> bytes:
        """Return the next tensor. Raises ParseError."""
        if type(size) is not int or not 0 <= size <= len(self.rest):
            raise ParseError("binary_data_size: expected as many bytes as follow the JSON")
        taken, self.rest = self.rest[:size], self.rest[size:]
        return bytes(taken)


def _read_input(given: Input, binary: _Binary) -> Tensor:
    written = content_type(given.parameters)
    size = (given.parameters or NO_PARAMETERS).get("binary_data_size")
    if size is not None:
        raw = binary.take(size)
        return tensor_of_bytes(given.name, given.datatype, given.shape, raw, written)
    return tensor_of(given.name, given.datatype, given.shape, given.data, written)


def _read_long(
    exchange: Exchange, document: bytes, binary: _Binary
) -> tuple[RequestOptions, list[Tensor]]:
    found: LongInference = _parse(_long_inference, document)
    said = [b'"%s":%s' % (name.encode(), _short(getattr(found, name), name)) for name in _OPTIONS]
    options: RequestOptions = _parse(_options, b"{%s}" % b",".join(said))
    inputs = _parse(_inputs, found.inputs)
    if len(inputs) > MOST_INPUTS:
        raise ParseError(f"inputs: expected at most {MOST_INPUTS} tensors")
    return options, [_read_long_input(exchange, raw, binary) for raw in inputs]


_OPTIONS = RequestOptions.__struct_fields__


def _short(raw: msgspec.Raw, name: str, most: int = MOST_SAID) -> bytes:
    text = bytes(raw)
    if len(text) > most:
        raise ParseError(f"{name}: expected at most {most} bytes in a long body")
    return text


def _read_long_input(exchange: Exchange, raw: msgspec.Raw, binary: _Binary) -> Tensor:
    given: LongInput = _parse(_long_input, raw)
    shape = _parse(_shape, _short(given.shape, "shape", LONGEST_SHAPE))
    parameters = _parse(_parameters, _short(given.parameters, "parameters"))
    check_datatype(given.datatype)
    check_shape(exchange.live.schema, given.name, shape, exchange.max_rows)
    if (parameters or NO_PARAMETERS).get("binary_data_size") is not None:
        return _read_input(Input(given.name, shape, given.datatype, None, parameters), binary)
    datatype, values = read_long(given.datatype, bytes(given.data), shape, content_type(parameters))
    return Tensor(given.name, datatype, tuple(shape), values)


def _json_length(exchange: Exchange) -> int:
    given = exchange.headers.get(JSON_LENGTH)
    if given is None:
        return len(exchange.body)
    if not given.isdigit() or len(given) > 12 or int(given) > len(exchange.body):
        raise ParseError("Inference-Header-Content-Length: expected the JSON's length in bytes")
    return int(given)


def _parse(decoder: msgspec.json.Decoder[Any], document: bytes | msgspec.Raw) -> Any:
    try:
        return decoder.decode(document)
    except msgspec.ValidationError as error:
        # Of types and members alone: msgspec quotes no value.
        raise ParseError(f"the body is no inference request: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = parse_json(bytes(document))  # which says where, but for what it reads for null
        if decoder is _inference:
            return _converted(found)
        raise ParseError("the body is not JSON: write null for a missing value, not NaN") from None


def _converted(found: Any) -> Inference:
    try:
        return msgspec.convert(found, Inference)
    except msgspec.ValidationError as error:
        raise ParseError(f"the body is no inference request: {error}") from None


def write_outputs(
    document: dict[str, Any], options: RequestOptions, tensors: Iterable[Tensor]
) -> Answer:
    """Return the answer: `document` and the outputs, in binary where the options say so."""
    default = (options.parameters or NO_PARAMETERS).get("binary_data_output") is True
    by_name = {
        out.name: (out.parameters or NO_PARAMETERS).get("binary_data")
        for out in options.outputs or ()
    }
    written, binary = [], []
    for tensor in tensors:
        entry: dict[str, Any] = {
            "name": tensor.name,
            "datatype": tensor.datatype,
            "shape": tensor.shape,
        }
        wanted, parameters = by_name.get(tensor.name), dict(tensor.parameters or NO_PARAMETERS)
        if (default if wanted is None else wanted) is True:
            binary.append(to_bytes(tensor))
            parameters |= {"binary_data_size": len(binary[-1])}
        else:
            entry["data"] = tensor.data
        written.append(entry | ({"parameters": parameters} if parameters else {}))
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
        "datatype": {"type": "string", "enum": [*NUMBERS, BYTES]},
        "shape": {
            "type": "array",
            "items": {"type": "integer", "minimum": 0},
            "minItems": 1,
            "maxItems": 2,
        },
        # Flat, or as nested as its shape.
        "data": {"type": "array", "items": {"anyOf": [VALUE, VALUES]}},
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
                    "name": {"type": "string"},
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
