"""KServe's protocol V1, which TensorFlow Serving and Vertex AI have too: `instances` in.

A prediction is the value that the model's `predict` gives, as KServe's server of
scikit-learn models answers.
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
    VALUE,
    VALUES,
    Description,
    explanation_parameters,
    explanation_schema,
    flag,
    prediction_schema,
    row_of,
)
from serving.envelopes import COLUMNS, late_rows, rows_in
from serving.exchange import Answer, Exchange, Routes
from serving.explanations import explanations_of
from serving.problems import explain, headers_of, status_of
from serving.refusals import MediaTypeError
from serving.warnings import warning_headers
from tables.rows import Decoded, parse_json

TAG = "KServe V1"
ROUTES: Routes = (
    ("POST", "/v1/models/{name}:predict", "predict"),
    ("POST", "/v1/models/{name}:explain", "explain"),
)
PROTOCOL: str | None = None
EXPLAINS = True
INSTANCES = "instances"


def decode(exchange: Exchange) -> Decoded:
    """Decode `instances`, a list of objects or of lists of values, into a batch.

    KServe calls them `inputs` too; TensorFlow Serving's `inputs` are an object of columns,
    and what it answers is `outputs`.
    `?strict=1` refuses what else is answered with a warning.
    Raises ParseError, MediaTypeError, RowsError and RequestError.
    """
    if media.readable(exchange) != media.JSON:
        raise MediaTypeError(f"expected Content-Type {media.JSON}")
    (strict,) = exchange.flags("strict")
    live = exchange.live
    late = late_rows(live.schema)
    parsed = parse_json(exchange.body, exchange.max_rows, len(live.schema.features), late)
    given = parsed.keys() if isinstance(parsed, dict) else ()
    envelope = next((name for name in (INSTANCES, COLUMNS) if name in given), None)
    if envelope is None:
        raise RowsError(f"expected an object with {INSTANCES}, a list of rows")
    exchange.options = "outputs" if isinstance(parsed[envelope], dict) else "predictions"
    rows = rows_in(envelope, parsed, live.schema)
    decoded = live.codec.decode_objects(rows, strict=strict, most_rows=exchange.max_rows)
    if not decoded.indices:
        raise RowsError("expected at least one row")
    return decoded


def render(exchange: Exchange) -> Answer:
    """Render the predicted values."""
    live = exchange.live
    answers = in_blocks(exchange, lambda part: live.task.answers(part, live.schema.target))
    document: dict[str, Any] = {exchange.options: [answer["value"] for answer in answers]}
    explanations = explanations_of(exchange)
    if explanations is not None:
        document["explanations"] = explanations
    headers = warning_headers(exchange.decoded)
    return Answer(200, msgspec.json.encode(document), headers=headers)


def refuse(error: MiranteError, request_id: str) -> Answer:
    """Render an error as the protocol does, `{"error": "..."}`."""
    document = msgspec.json.encode({"error": explain(error)})
    return Answer(status_of(error), document, headers=headers_of(error))


def document(live: Live) -> Description:
    """Describe the exchange for the OpenAPI document."""
    row = row_of(live)
    # The only value of a row may stand alone.
    alone = [VALUE] if len(live.schema.features) == 1 else []
    rows = {"type": "array", "items": {"anyOf": [row, VALUES, *alone]}, "minItems": 1}
    asked = {"type": "object", "properties": {INSTANCES: rows}, "required": [INSTANCES]}
    value = prediction_schema(live, "value")["properties"]["value"]
    predictions = {"predictions": {"type": "array", "items": value}}
    if explanation := explanation_schema(live):
        predictions["explanations"] = {"type": "array", "items": explanation}
    answer = {"type": "object", "properties": predictions, "required": ["predictions"]}
    error = {
        "type": "object",
        "properties": {"error": {"type": "string"}},
        "required": ["error"],
    }
    return Description(
        "Predict as KServe's V1 protocol has it",
        {media.JSON: {"schema": asked, "example": {INSTANCES: [live.schema.example]}}},
        {media.JSON: {"schema": answer}},
        {media.JSON: {"schema": error}},
        (flag("strict", STRICT), *explanation_parameters(live)),
    )
