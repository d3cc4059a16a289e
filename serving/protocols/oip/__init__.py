"""The Open Inference Protocol over REST: tensors in, tensors out."""

from __future__ import annotations

from typing import Any

import msgspec

from errors import MiranteError
from serving.champions import Live
from serving.contributions import ASKED, OF
from serving.description import BINARY as BYTES
from serving.description import (
    PARTIAL,
    STRICT,
    Description,
    explanation_parameters,
    flag,
    header,
)
from serving.exchange import JSON, Answer, Exchange, Routes
from serving.problems import explain, headers_of, status_of
from serving.protocols.oip.inference import (
    ANSWER,
    BINARY,
    ERROR,
    JSON_LENGTH,
    REQUEST,
    read_request,
    write_outputs,
)
from serving.protocols.oip.model_metadata import metadata
from serving.protocols.oip.options import answer_parameters, outputs_of
from serving.protocols.oip.options import decode as decode_options
from serving.refusals import MediaTypeError
from tables.rows import Decoded

TAG = "Open Inference Protocol"
ROUTES: Routes = (
    ("POST", "/v2/models/{name}/infer", "predict"),
    ("POST", "/v2/models/{name}/versions/{version}/infer", "predict"),
)
PROTOCOL: str | None = None
EXPLAINS = True
# What `curl -d` says of any body.
FORM = b"application/x-www-form-urlencoded"


def decode(exchange: Exchange) -> Decoded:
    """Decode the body's tensors into a batch.

    `?strict=1`, or the request's parameter of that name, refuses what else is answered
    with a warning; `partial`, in either way, answers the rows that are good.
    Raises ParseError, MediaTypeError, RowsError, RequestError.
    """
    if exchange.media_type not in (b"", JSON, BINARY, FORM):
        raise MediaTypeError("expected Content-Type application/json or application/octet-stream")
    exchange.options, tensors = read_request(exchange)
    return decode_options(exchange, tensors)


def render(exchange: Exchange) -> Answer:
    """Render the outputs requested, under the request's id. Raises RequestError."""
    live, options = exchange.live, exchange.options
    document: dict[str, Any] = {"model_name": live.name, "model_version": live.version}
    if options.id is not None:
        document["id"] = options.id
    parameters = answer_parameters(exchange.decoded)
    if parameters:
        document["parameters"] = parameters
    return write_outputs(document, options, outputs_of(exchange))


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
            BINARY.decode(): BYTES,
        },
        {JSON.decode(): {"schema": ANSWER}, BINARY.decode(): BYTES},
        {JSON.decode(): {"schema": ERROR}},
        (length, flag("partial", PARTIAL), flag("strict", STRICT), *_explanation(live)),
    )


def _explanation(live: Live) -> list[dict[str, Any]]:
    """Return the parameters that ask for the outputs that explain: a switch, and the class."""
    switch = flag(ASKED, "also the outputs that say what each feature contributes")
    given = {one["name"]: one for one in explanation_parameters(live)}
    return [switch if name == ASKED else given[name] for name in (ASKED, OF) if name in given]
