"""The recorded gRPC calls, made by a client that learns the messages by reflection.

Without reflection, or with messages renamed, a call is written down as what went wrong.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from tests.wire.calls import CREDIT, IRIS, VIRGINICA
from tests.wire.replay import PATIENCE, normalised

INFERENCE = "inference.GRPCInferenceService"
ROWS = [*IRIS.values(), *VIRGINICA.values()]
MATRIX = {"name": "rows", "datatype": "FP64", "shape": [2, 4]}
RAW = {"name": "rows", "datatype": "FP32", "shape": [2, 4]}


def _infer(*inputs: dict[str, Any], model: str = "iris", **more: Any) -> tuple[str, str, Any]:
    return INFERENCE, "ModelInfer", {"model_name": model, "inputs": list(inputs), **more}


def _of(tensor: dict[str, Any], **contents: Any) -> dict[str, Any]:
    return tensor | {"contents": contents}


def _bytes(*texts: str) -> list[str]:
    # Bytes are base64 in the JSON form of protocol buffers.
    return [base64.b64encode(text.encode()).decode() for text in texts]


def calls() -> list[tuple[str, str, dict[str, Any]]]:
    """Return (service, method, request in the JSON form of protocol buffers)."""
    raw = base64.b64encode(struct.pack("<8f", *ROWS)).decode()
    short = base64.b64encode(b"123").decode()
    text = {"name": "text", "datatype": "BYTES", "shape": [2]}
    species = ("ml.IrisPredictor", "PredictIrisSpecies")
    approved = ("ml.CreditPredictor", "PredictCreditApproved")
    return [
        (INFERENCE, "ServerLive", {}),
        (INFERENCE, "ServerReady", {}),
        (INFERENCE, "ServerMetadata", {}),
        *((INFERENCE, "ModelReady", {"name": name}) for name in ("iris", "nothing")),
        *((INFERENCE, "ModelMetadata", {"name": n}) for n in ("iris", "credit", "nothing")),
        (INFERENCE, "ModelMetadata", {"name": "iris", "version": "none"}),
        _infer(_of(MATRIX, fp64_contents=ROWS), id="7"),
        _infer(_of(MATRIX, fp64_contents=ROWS), outputs=[{"name": "label"}]),
        _infer(_of(MATRIX, fp64_contents=ROWS), outputs=[{"name": "score"}]),
        _infer(_of(MATRIX, fp64_contents=ROWS[:-1])),
        _infer(_of(MATRIX, fp64_contents=ROWS), model="nothing"),
        _infer(_of(MATRIX, fp64_contents=ROWS), model_version="none"),
        _infer(_of(MATRIX | {"datatype": "FP16"}, fp64_contents=ROWS)),
        _infer(_of(MATRIX | {"shape": [41, 4]}, fp64_contents=[1.0] * 164)),
        _infer(
            *(_of(MATRIX | {"name": n, "shape": [1]}, fp64_contents=[v]) for n, v in IRIS.items())
        ),
        _infer(RAW, raw_input_contents=[raw]),
        _infer(RAW, raw_input_contents=[short]),
        _infer(RAW, raw_input_contents=[raw, raw]),
        _infer(),
        _infer(_of(text, bytes_contents=_bytes("so glad", "so sad")), model="tweets"),
        (*species, IRIS),
        (*species, {**IRIS, "petal_width": "NaN"}),
        (*species, {}),
        (*approved, CREDIT | {"records": False}),
        (*approved, CREDIT | {"records": False, "home": "castle"}),
        ("ml.CreditPredictor", "Nothing", {}),
    ]


class Client:
    """Makes calls to services whose messages the server describes."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel
        self._database = ProtoReflectionDescriptorDatabase(channel)
        self._pool = DescriptorPool(self._database)

    def services(self) -> list[str]:
        """Return the names of the services that there are."""
        return sorted(self._database.get_services())

    def call(self, service: str, method: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return the reply, or the code and the details of the refusal."""
        try:
            described = self._pool.FindServiceByName(service).FindMethodByName(method)
        except KeyError:
            return {"missing": True}
        given = GetMessageClass(described.input_type)
        reply = GetMessageClass(described.output_type)
        ask = self._channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=given.SerializeToString,
            response_deserializer=reply.FromString,
        )
        try:
            answer = ask(ParseDict(request, given(), ignore_unknown_fields=True), timeout=PATIENCE)
        except grpc.RpcError as error:
            return {"code": error.code().name, "details": error.details()}
        return {"reply": MessageToDict(answer, preserving_proto_field_name=True)}


def replay(address: str) -> Iterator[str]:
    """Make the calls in their order; yield the recording's lines."""
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(PATIENCE)
        client = Client(channel)
        yield json.dumps({"services": client.services()})
        for service, method, request in calls():
            answer = client.call(service, method, request)
            line = json.dumps({"request": f"{service}/{method}", **answer}, ensure_ascii=False)
            yield normalised(line.encode()).decode()
