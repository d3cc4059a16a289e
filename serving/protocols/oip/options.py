"""What an inference request says of its answer, and the answer of it; over REST and gRPC alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from errors import ParseError
from serving.exchange import NO_PARAMETERS, Exchange
from serving.problems import errors_of
from serving.protocols.oip.explanation_outputs import explanation_tensors, wanted_of
from serving.protocols.oip.tensors import (
    NO_TENSORS,
    Requested,
    Tensor,
    decode_tensors,
    output_tensors,
)
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
    """Decode a request's tensors as its options have it; keep which explanation they ask for.

    Raises ParseError, RowsError and RequestError.
    """
    said = exchange.options.parameters or NO_PARAMETERS
    partial, strict = exchange.switches(said)
    named = [output.name for output in exchange.options.outputs or ()]
    exchange.wanted = wanted_of(exchange, said, named)
    codec, most = exchange.live.codec, exchange.max_rows
    return decode_tensors(codec, tensors, partial=partial, strict=strict, most_rows=most)


def content_type(parameters: Mapping[str, Any] | None) -> str | None:
    """Return how MLServer's codecs wrote a tensor's values, None where nothing is said."""
    found = (parameters or NO_PARAMETERS).get("content_type")
    if found is not None and not isinstance(found, str):
        raise ParseError("content_type: expected a text")
    return found


def outputs_of(exchange: Exchange) -> list[Tensor]:
    """Return the outputs that the request names, or all; where one is asked for, what explains.

    Raises RequestError.
    """
    found = exchange.contributions
    more = explanation_tensors(exchange.live, found) if found is not None else NO_TENSORS
    requested = [
        Requested(output.name, _class_count(output.parameters or NO_PARAMETERS))
        for output in exchange.options.outputs or ()
    ]
    if requested and more.keys().isdisjoint(one.name for one in requested):
        requested += map(Requested, more)
    return output_tensors(exchange.live, exchange.prediction, requested, more)


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
