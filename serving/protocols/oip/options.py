"""What an inference request says of its answer, and the answer of it; over REST and gRPC alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from errors import ParseError
from serving.exchange import NO_PARAMETERS, Exchange
from serving.problems import errors_of
from serving.protocols.oip.tensors import Requested, Tensor, decode_tensors, output_tensors
from serving.refusals import RequestError
from serving.warnings import warning_members
from tables.rows import Decoded

# What the server's metadata lists.
EXTENSIONS = ("binary_tensor_data", "classification", "model_repository")
CLASSIFICATION = "classification"


class Output(msgspec.Struct):
    """One output that the request names."""

    name: str
    parameters: dict[str, Any] | None = None


class RequestOptions(msgspec.Struct):
    """What a request says of its answer. A member that is null is as one that is not there."""

    id: str | None = None
    outputs: list[Output] | None = None
    parameters: dict[str, Any] | None = None


def decode(exchange: Exchange, tensors: Sequence[Tensor]) -> Decoded:
    """Decode a request's tensors as its options have it, `strict` and `partial`.

    Raises ParseError, RowsError and RequestError.
    """
    partial, strict = exchange.switches(exchange.options.parameters or NO_PARAMETERS)
    codec, most = exchange.live.codec, exchange.max_rows
    return decode_tensors(codec, tensors, partial=partial, strict=strict, most_rows=most)


def content_type(parameters: Mapping[str, Any] | None) -> str | None:
    """Return how MLServer's codecs wrote a tensor's values, None where nothing is said."""
    found = (parameters or NO_PARAMETERS).get("content_type")
    if found is not None and not isinstance(found, str):
        raise ParseError("content_type: expected a text")
    return found


def outputs_of(exchange: Exchange) -> list[Tensor]:
    """Return the outputs that the request names, or all. Raises RequestError."""
    requested = [
        Requested(output.name, _class_count(output.parameters or NO_PARAMETERS))
        for output in exchange.options.outputs or ()
    ]
    return output_tensors(exchange.live, exchange.prediction, requested)


def _class_count(parameters: Mapping[str, Any]) -> int | None:
    count = parameters.get(CLASSIFICATION)
    if count is not None and (type(count) is not int or count < 1):
        raise RequestError("classification: expected how many classes, 1 or more")
    return count


def answer_parameters(decoded: Decoded) -> dict[str, str | int]:
    """Return what an answer says of its rows.

    A parameter is a text, a number or a boolean: a list is one in JSON, as a text.
    `errors` are of the rows that `partial` left out, `rows` the indices of the others.
    """
    said = warning_members(decoded) | errors_of(decoded)
    if decoded.problems:
        said["rows"] = list(decoded.indices)
    return {name: one if isinstance(one, int) else _in_json(one) for name, one in said.items()}


def _in_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
