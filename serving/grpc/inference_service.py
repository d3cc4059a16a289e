"""The calls of the Open Inference Protocol's gRPC service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from errors import MiranteError, ParseError
from serving.actions import DESCRIBE, PREDICT
from serving.champions import Champions
from serving.exchange import NO_ROWS, Answer, Exchange, PredictionProtocol, Route
from serving.grpc.codes import refuse
from serving.grpc.generated import open_inference_pb2 as messages
from serving.grpc.parsing import parse
from serving.protocols.oip.model_metadata import PLATFORM, metadata
from serving.protocols.oip.options import (
    EXTENSIONS,
    Output,
    RequestOptions,
    answer_parameters,
    content_type,
    decode,
    outputs_of,
)
from serving.protocols.oip.repository import Repository
from serving.protocols.oip.tensors import (
    Tensor,
    tensor_of,
    tensor_of_bytes,
    to_bytes,
)
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

    def __init__(
        self,
        champions: Champions,
        repository: Repository,
        check_admin: Callable[[Exchange], None],
    ) -> None:
        self._champions = champions
        self._repository = repository
        answers: dict[str, Callable[[Any], Message]] = {
            "ServerLive": lambda _: messages.ServerLiveResponse(live=True),
            "ServerReady": lambda _: messages.ServerReadyResponse(ready=champions.ready),
            "ServerMetadata": lambda _: messages.ServerMetadataResponse(
                name=PLATFORM, version=VERSION, extensions=EXTENSIONS
            ),
            "ModelReady": self._model_ready,
            "ModelMetadata": self._model_metadata,
            "RepositoryIndex": self._index,
        }
        changes: dict[str, Callable[[Any], Message]] = {
            "RepositoryModelLoad": self._load,
            "RepositoryModelUnload": self._unload,
        }
        self._routes = {"ModelInfer": _route("ModelInfer", PREDICT, Inference(champions))}
        for name, answer in answers.items():
            self._routes[name] = _route(name, DESCRIBE, Metadata(_request(name), answer))
        for name, change in changes.items():
            changing = Metadata(_request(name), change, check_admin)
            self._routes[name] = _route(name, DESCRIBE, changing)

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

    def _index(self, request: messages.RepositoryIndexRequest) -> Message:
        models = self._repository.index(request.ready)
        return messages.RepositoryIndexResponse(
            models=[messages.RepositoryIndexResponse.ModelIndex(**model) for model in models]
        )

    def _load(self, request: messages.RepositoryModelLoadRequest) -> Message:
        name = request.model_name or request.repository_name
        self._repository.load(name)
        return messages.RepositoryModelLoadResponse(model_name=name, isLoaded=True)

    def _unload(self, request: messages.RepositoryModelUnloadRequest) -> Message:
        name = request.model_name or request.repository_name
        self._repository.unload(name)
        return messages.RepositoryModelUnloadResponse(model_name=name, isUnloaded=True)


def _request(name: str) -> type[Message]:
    found: type[Message] = getattr(messages, f"{name}Request")
    return found


def _route(name: str, action: str, protocol: PredictionProtocol) -> Route:
    return Route("GRPC", f"/{SERVICE.full_name}/{name}", action, protocol, in_head=False)


class Metadata:
    """A call without rows: `answer` makes its reply of its request; `check` is who may make it."""

    def __init__(
        self,
        request: type[Message],
        answer: Callable[[Any], Message],
        check: Callable[[Exchange], None] = lambda exchange: None,
    ) -> None:
        self._request = request
        self._answer = answer
        self._check = check

    def decode(self, exchange: Exchange) -> Decoded:
        """Parse the request. Raises ParseError and AccessError."""
        self._check(exchange)
        exchange.options = parse(self._request, exchange.body)
        return NO_ROWS

    def render(self, exchange: Exchange) -> Answer:
        """Make the reply."""
        return Answer(200, self._answer(exchange.options).SerializeToString())

    refuse = staticmethod(refuse)


class Inference:
    """The call that predicts."""

    EXPLAINS = True

    def __init__(self, champions: Champions) -> None:
        self._champions = champions

    def decode(self, exchange: Exchange) -> Decoded:
        """Find the model that the request names, and decode its tensors.

        Raises ParseError, RowsError, NotFound and ModelNotReady.
        """
        request = parse(messages.ModelInferRequest, exchange.body)
        name, version = request.model_name, request.model_version or None
        exchange.live = self._champions.live_version(name, version)
        exchange.options = _options(request)
        return decode(exchange, _inputs(request))

    def render(self, exchange: Exchange) -> Answer:
        """Make the reply of the outputs requested. Raises RequestError."""
        options, live = exchange.options, exchange.live
        reply = messages.ModelInferResponse(
            model_name=live.name, model_version=live.version, id=options.id
        )
        for key, value in answer_parameters(exchange.decoded).items():
            kind = "int64_param" if isinstance(value, int) else "string_param"
            setattr(reply.parameters[key], kind, value)
        for tensor in outputs_of(exchange):
            _add_output(reply, tensor, raw=options.raw)
        return Answer(200, reply.SerializeToString())

    refuse = staticmethod(refuse)


class Options(RequestOptions, kw_only=True):
    """What a request says of its answer; `raw`: its contents were raw, and the answer's are."""

    raw: bool


def _options(request: Any) -> Options:
    outputs = [Output(one.name, _parameters(one)) for one in request.outputs]
    raw = bool(request.raw_input_contents)
    return Options(id=request.id, outputs=outputs, parameters=_parameters(request), raw=raw)


def _parameters(of: Any) -> dict[str, Any]:
    """Return parameters as JSON has them; one that says nothing is None."""
    return {name: _value(parameter) for name, parameter in of.parameters.items()}


def _value(parameter: Any) -> Any:
    chosen = parameter.WhichOneof("parameter_choice")
    return getattr(parameter, chosen) if chosen else None


def _inputs(request: Any) -> list[Tensor]:
    """Return the input tensors, their values beside them or all in the raw contents."""
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise ParseError("raw_input_contents: expected one for each of the inputs")
    read, contents = (tensor_of_bytes, raw) if raw else (tensor_of, map(_values, request.inputs))
    return [
        read(
            given.name, given.datatype, list(given.shape), values, content_type(_parameters(given))
        )
        for given, values in zip(request.inputs, contents, strict=True)
    ]


def _values(given: Any) -> Any:
    name = _CONTENTS.get(given.datatype)
    return getattr(given.contents, name) if name is not None else []


def _add_output(reply: Any, tensor: Tensor, raw: bool) -> None:
    added = reply.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
    for key, value in (tensor.parameters or {}).items():
        added.parameters[key].string_param = value
    if raw:
        reply.raw_output_contents.append(to_bytes(tensor))
        return
    values = tensor.values()
    if tensor.datatype == "BYTES":
        values = (text.encode() for text in values)
    getattr(added.contents, _CONTENTS[tensor.datatype]).extend(values)
