"""vetiver's protocol: a list of rows in, `{"predict": [...]}` out, as from R and Python.

https://rstudio.github.io/vetiver-python/stable/reference/VetiverAPI.html has the routes.
"""

from __future__ import annotations

from typing import Any

import msgspec

from errors import MiranteError, RowsError
from serving import media
from serving.answer_blocks import in_blocks
from serving.champions import Live
from serving.description import (
    STRICT,
    VALUES,
    Description,
    explanation_parameters,
    explanation_schema,
    flag,
    row_of,
)
from serving.envelopes import ROWS, late_rows, named
from serving.exchange import JSON, Answer, Exchange, Routes
from serving.explanations import explanations_of
from serving.problems import refuse_with_message
from serving.refusals import MediaTypeError
from serving.warnings import warning_headers
from tables.rows import Decoded, parse_json
from tables.schema import Kind, Schema

TAG = "vetiver"
# The loans protocol has this path too, for a body that is one object.
ROUTES: Routes = (("POST", "/predict", "predict"),)
PROTOCOL: str | None = None
EXPLAINS = True

_TYPES: dict[Kind, str] = {"number": "number", "integer": "integer", "boolean": "boolean"}


def decode(exchange: Exchange) -> Decoded:
    """Decode a list of rows, objects or lists of values, into a batch.

    `?strict=1` refuses what else is answered with a warning.
    Raises ParseError, MediaTypeError, RowsError and RequestError.
    """
    if media.readable(exchange) != media.JSON:
        raise MediaTypeError(f"expected Content-Type {media.JSON}")
    codec, body, most = exchange.live.codec, exchange.body, exchange.max_rows
    (strict,) = exchange.flags("strict")
    if body[:2] == b"[{":
        return codec.decode_json(body, single=False, strict=strict, most_rows=most)
    schema = exchange.live.schema
    parsed = parse_json(body, most, len(schema.features), late_rows(schema))
    rows = named(parsed if isinstance(parsed, ROWS) else [], schema)
    decoded = codec.decode_objects(rows, strict=strict, most_rows=most)
    if not decoded.indices:
        raise RowsError("expected a list of at least one row")
    return decoded


def render(exchange: Exchange) -> Answer:
    """Render the predicted values: the column `predict` of the client's data frame."""
    live = exchange.live
    answers = in_blocks(exchange, lambda part: live.task.answers(part, live.schema.target))
    document: dict[str, Any] = {"predict": [answer["value"] for answer in answers]}
    explanations = explanations_of(exchange)
    if explanations is not None:
        document["explanation"] = explanations
    headers = warning_headers(exchange.decoded)
    return Answer(200, msgspec.json.encode(document), headers=headers)


def refuse(error: MiranteError, request_id: str) -> Answer:
    """Render an error with `message`, which R's client shows; it parses no other type than JSON."""
    return refuse_with_message(error, request_id)._replace(content_type=JSON)


def metadata(live: Live) -> dict[str, Any]:
    """Return what vetiver tells of a model."""
    libraries = live.manifest.libraries
    python = libraries.get("python")
    return {
        "user": {},
        "version": live.version,
        "url": None,
        "required_pkgs": sorted(name for name in libraries if name != "python"),
        "python_version": [int(part) for part in python.split(".")] if python else None,
    }


def prototype(schema: Schema) -> dict[str, Any]:
    """Return the JSON Schema of a row in vetiver's form, from which its client makes a type."""
    properties = {
        feature.name: {"example": feature.example, "type": _TYPES.get(feature.kind, "string")}
        for feature in schema.features
    }
    required = [feature.name for feature in schema.features if not feature.nullable]
    return {
        "properties": properties,
        "required": required,
        "title": "prototype",
        "type": "object",
    }


def document(live: Live) -> Description:
    """Describe the exchange for the OpenAPI document."""
    rows = {"type": "array", "items": {"anyOf": [row_of(live), VALUES]}, "minItems": 1}
    columns: dict[str, Any] = {"predict": VALUES}
    if explanation := explanation_schema(live):
        columns["explanation"] = {"type": "array", "items": explanation}
    answer = {"type": "object", "properties": columns, "required": ["predict"]}
    error = {"type": "object", "properties": {"message": {"type": "string"}}}
    return Description(
        "Predict a list of rows as vetiver has it",
        {media.JSON: {"schema": rows, "example": [live.schema.example]}},
        {media.JSON: {"schema": answer}},
        {media.JSON: {"schema": error}},
        (flag("strict", STRICT), *explanation_parameters(live)),
    )
