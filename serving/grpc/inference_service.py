"""The calls of the Open Inference Protocol's gRPC service, over messages made at run time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from errors import MiranteError, ParseError
from serving.champions import Champions, Live, Prediction
from serving.grpc.protos.descriptors import Messages
from serving.grpc.protos.inference_messages import PROTO
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
from tables.rows import Decoded

Predict = Callable[[Live, Decoded], Prediction]
Answer = Callable[[Any, Predict], Any]

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
    """Answers the protocol's calls from the predictor's live models."""

    def __init__(self, champions: Champions) -> None:
        self._predictor = champions
        messages = Messages(PROTO)
        self.pool = messages.pool
        answers: dict[str, Answer] = {
            "ServerLive": self._server_live,
            "ServerReady": self._server_ready,
            "ModelReady": self._model_ready,
            "ServerMetadata": self._server_metadata,
            "ModelMetadata": self._model_metadata,
            "ModelInfer": self._infer,
        }
        self._replies = {method.name: messages[method.reply] for method in PROTO.methods}
        self._calls = {
            f"/{PROTO.full_service}/{method.name}": (
                messages[method.request],
                answers[method.name],
            )
            for method in PROTO.methods
        }

    def find(self, path: str) -> tuple[Any, Answer] | None:
        """Return the request's class of a call and what answers it, or None."""
        return self._calls.get(path)

    def _server_live(self, request: Any, predict: Predict) -> Any:
        return self._replies["ServerLive"](live=True)

    def _server_ready(self, request: Any, predict: Predict) -> Any:
        return self._replies["ServerReady"](ready=self._predictor.ready)

    def _server_metadata(self, request: Any, predict: Predict) -> Any:
        return self._replies["ServerMetadata"](name=PLATFORM, version=VERSION)

    def _model_ready(self, request: Any, predict: Predict) -> Any:
        try:
            self._live(request.name, request.version)
        except MiranteError:
            return self._replies["ModelReady"](ready=False)
        return self._replies["ModelReady"](ready=True)

    def _model_metadata(self, request: Any, predict: Predict) -> Any:
        return self._replies["ModelMetadata"](**metadata(self._live(request.name, request.version)))

    def _infer(self, request: Any, predict: Predict) -> Any:
        live = self._live(request.model_name, request.model_version)
        prediction = predict(live, decode_tensors(live.codec, _inputs(request)))
        tensors = output_tensors(live, prediction, [output.name for output in request.outputs])
        reply = self._replies["ModelInfer"](
            model_name=live.name, model_version=live.version, id=request.id
        )
        for tensor in tensors:
            _add_output(reply, tensor, raw=bool(request.raw_input_contents))
        return reply

    def _live(self, name: str, version: str) -> Live:
        return self._predictor.live_version(name, version or None)


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
