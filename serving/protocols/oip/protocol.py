"""The Open Inference Protocol's dialect over REST: tensors in, tensors out."""

from __future__ import annotations

from typing import Any

import msgspec

from errors import MiranteError
from serving.champions import Live, Prediction
from serving.http.description import Description, header
from serving.http.exchange import JSON, Answer, Request, explain, headers_of, status_of
from serving.protocols.oip.inference import (
    ANSWER,
    BINARY,
    ERROR,
    JSON_LENGTH,
    REQUEST,
    read_inputs,
    read_wanted,
    write_outputs,
)
from serving.protocols.oip.tensors import decode_tensors, metadata, output_tensors
from serving.refusals import MediaTypeError, RequestError
from tables.rows import Decoded

ROUTES: tuple[tuple[str, str], ...] = (
    ("POST", "/v2/models/{name}/infer"),
    ("POST", "/v2/models/{name}/versions/{version}/infer"),
)
PROTOCOL: str | None = None


def decode(request: Request, live: Live) -> Decoded:
    """Decode the body's tensors into a batch. Raises ParseError, MediaTypeError, RowsError."""
    if request.media_type not in (b"", JSON, BINARY):
        raise MediaTypeError("expected Content-Type application/json or application/octet-stream")
    return decode_tensors(live.codec, read_inputs(request))


def render(request: Request, live: Live, decoded: Decoded, prediction: Prediction) -> Answer:
    """Render the outputs asked for, under the request's id. Raises RequestError."""
    wanted = read_wanted(request)
    if any("classification" in output.parameters for output in wanted.outputs):
        raise RequestError("outputs: the classification extension is not spoken here")
    tensors = output_tensors(live, prediction, [output.name for output in wanted.outputs])
    document: dict[str, Any] = {"model_name": live.name, "model_version": live.version}
    if wanted.id is not None:
        document["id"] = wanted.id
    return write_outputs(document, wanted, tensors)


def refuse(error: MiranteError, request_id: str) -> Answer:
    """Render an error as the protocol has it."""
    document = msgspec.json.encode({"error": explain(error)})
    return Answer(status_of(error), document, JSON, headers_of(error))


def document(live: Live) -> Description:
    """Describe the exchange for the OpenAPI document."""
    inputs = [
        {**tensor, "shape": [1], "data": [live.schema.example[tensor["name"]]]}
        for tensor in metadata(live)["inputs"]
    ]
    length = header(
        JSON_LENGTH.decode().title(),
        "how many bytes of the body are JSON; binary tensors follow them",
        pattern="^[0-9]{1,12}$",
    )
    return Description(
        "Inference by the Open Inference Protocol, binary tensors included",
        {
            JSON.decode(): {"schema": REQUEST, "example": {"id": "1", "inputs": inputs}},
            BINARY.decode(): {"schema": {"type": "string", "format": "binary"}},
        },
        {JSON.decode(): {"schema": ANSWER}, BINARY.decode(): {}},
        {JSON.decode(): {"schema": ERROR}},
        (length,),
    )
