"""The calls of the Open Inference Protocol's gRPC service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from google.protobuf.message import Message

from errors import MiranteError, ParseError
from serving.actions import DESCRIBE, PREDICT
from serving.champions import Champions
from serving.exchange import NO_ROWS, Answer, Exchange, PredictionProtocol, Route
from serving.grpc.codes import refuse
from serving.grpc.generated import open_inference_pb2 as messages
from serving.grpc.parsing import parse
from serving.protocols.oip.tensors import (
    PLATFORM,
    Tensor,
    decode_tensors,
    metadata,
    output_tensors,
    tensor_of,
    tensor_of_bytes,
    to_bytes,
)
from serving.warnings import warnings_of
from tables.rows import Decoded

SERVICE = messages.DESCRIPTOR.services_by_name["GRPCInferenceService"]
# Which contents hold the values of a datatype.
_CONTENTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
VERSION = "2"


class OpenInference:
    """The protocol's calls over the live models."""

    def __init__(self, champions: Champions) -> None:
        self._champions = champions
        answers: dict[str, Callable[[Any], Message]] = {
            "ServerLive": lambda _: messages.ServerLiveResponse(live=True),
            "ServerReady": lambda _: messages.ServerReadyResponse(ready=champions.ready),
            "ServerMetadata": lambda _: messages.ServerMetadataResponse(
                name=PLATFORM, version=VERSION
            ),
            "ModelReady": self._model_ready,
            "ModelMetadata": self._model_metadata,
        }
        self._routes = {"ModelInfer": _route("ModelInfer", PREDICT, Inference(champions))}
        for name, answer in answers.items():
            request = getattr(messages, f"{name}Request")
            self._routes[name] = _route(name, DESCRIBE, Metadata(request, answer))

    def find(self, path: str) -> Route | None:
        """Return the route of a call, or None."""
        service, _, method = path[1:].partition("/")
        return self._routes.get(method) if service == SERVICE.full_name else None

    def _model_ready(self, request: messages.ModelReadyRequest) -> Message:
        try:
            self._champions.live_version(request.name, request.version or None)
        except MiranteError:
            return messages.ModelReadyResponse(ready=False)
        return messages.ModelReadyResponse(ready=True)

    def _model_metadata(self, request: messages.ModelMetadataRequest) -> Message:
        live = self._champions.live_version(request.name, request.version or None)
        return messages.ModelMetadataResponse(**metadata(live))


def _route(name: str, action: str, protocol: PredictionProtocol) -> Route:
    return Route("GRPC", f"/{SERVICE.full_name}/{name}", action, protocol, in_head=False)


class Metadata:
    """A call without rows: `answer` makes its reply of its request."""

    def __init__(self, request: type[Message], answer: Callable[[Any], Message]) -> None:
        self._request = request
        self._answer = answer

    def decode(self, exchange: Exchange) -> Decoded:
        """Parse the request. Raises ParseError."""
        exchange.options = parse(self._request, exchange.body)
        return NO_ROWS

    def render(self, exchange: Exchange) -> Answer:
        """Make the reply."""
        return Answer(200, self._answer(exchange.options).SerializeToString())

    refuse = staticmethod(refuse)


class Inference:
    """The call that predicts."""

    def __init__(self, champions: Champions) -> None:
        self._champions = champions

    def decode(self, exchange: Exchange) -> Decoded:
        """Find the model that the request names, and decode its tensors.

        Raises ParseError, RowsError, NotFound and ModelNotReady.
        """
        request = exchange.options = parse(messages.ModelInferRequest, exchange.body)
        name, version = request.model_name, request.model_version or None
        exchange.live = self._champions.live_version(name, version)
        (strict,) = exchange.flags("strict")
        strict = strict or (
            request.parameters["strict"].bool_param if "strict" in request.parameters else False
        )
        return decode_tensors(exchange.live.codec, _inputs(request), strict)

    def render(self, exchange: Exchange) -> Answer:
        """Make the reply of the outputs requested. Raises RequestError."""
        request, live = exchange.options, exchange.live
        names = [output.name for output in request.outputs]
        reply = messages.ModelInferResponse(
            model_name=live.name, model_version=live.version, id=request.id
        )
        warnings = warnings_of(exchange.decoded)
        if warnings:
            reply.parameters["warnings"].string_param = msgspec.json.encode(warnings).decode()
        for tensor in output_tensors(live, exchange.prediction, names):
            _add_output(reply, tensor, raw=bool(request.raw_input_contents))
        return Answer(200, reply.SerializeToString())

    refuse = staticmethod(refuse)


def _inputs(request: Any) -> list[Tensor]:
    """Return the input tensors, their values beside them or all in the raw contents."""
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise ParseError("raw_input_contents: expected one for each of the inputs")
    if raw:
        return [
            tensor_of_bytes(given.name, given.datatype, list(given.shape), values)
            for given, values in zip(request.inputs, raw, strict=True)
        ]
    return [
        tensor_of(given.name, given.datatype, list(given.shape), _values(given))
        for given in request.inputs
    ]


def _values(given: Any) -> list[Any]:
    name = _CONTENTS.get(given.datatype)
    return list(getattr(given.contents, name)) if name is not None else []


def _add_output(reply: Any, tensor: Tensor, raw: bool) -> None:
    added = reply.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
    if raw:
        reply.raw_output_contents.append(to_bytes(tensor))
        return
    values = tensor.data.tolist() if isinstance(tensor.data, np.ndarray) else tensor.data
    if tensor.datatype == "BYTES":
        values = [text.encode() for text in values]
    getattr(added.contents, _CONTENTS[tensor.datatype]).extend(values)
