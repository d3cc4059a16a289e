"""SageMaker's protocol: `/invocations` in JSON, JSON Lines or CSV, rows or columns of them.

docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html says what the
platform asks for; the names in the answers are those of its own algorithms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from errors import ParseError, RowsError
from serving import media
from serving.champions import Live, Prediction
from serving.description import STRICT, Description, flag, header, prediction_schema, row_of
from serving.exchange import JSON, Answer, Exchange, Headers, Routes
from serving.problems import refuse
from serving.warnings import warning_headers, warnings_of
from tables.readers.body import read_body
from tables.rows import Decoded, RowCodec, parse_json

TAG = "SageMaker"
# The last is what the platform itself has, and so what boto3 calls: an endpoint is a model here.
ROUTES: Routes = (
    ("POST", "/invocations", "predict"),
    ("POST", "/models/{name}/invoke", "predict"),
    ("POST", "/endpoints/{name}/invocations", "predict"),
)
PROTOCOL: str | None = None

CUSTOM_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
_PRINTABLE = re.compile(rb"[ -~]{0,1024}")
_WRITABLE = media.WRITABLE | media.WRITABLE_LINES
_LINES = b"application/jsonlines"

__all__ = ["PROTOCOL", "ROUTES", "TAG", "decode", "document", "refuse", "render"]


def decode(exchange: Exchange) -> Decoded:
    """Decode the body into a batch: rows, or one object of columns.

    A CSV body has a header or, as the platform's batches do, only the features
    in their order. `?strict=1` refuses what else is answered with a warning.
    Raises ParseError, MediaTypeError, RowsError and RequestError.
    """
    codec, body = exchange.live.codec, exchange.body
    (strict,) = exchange.flags("strict")
    written = media.readable(exchange)
    if written == media.CSV:
        named = b"header=present" in exchange.headers.get(b"content-type", b"")
        table = read_body(body, exchange.live.schema, header=named, charset=media.charset(exchange))
        decoded = codec.decode_columns(table.columns, strict=strict, dialect=table.dialect)
    elif written == media.JSON_LINES:
        lines = [parse_json(line) for line in body.splitlines() if line.strip()]
        decoded = codec.decode_objects(lines, strict=strict)
    else:
        decoded = _decode_json(body, codec, strict)
    if not decoded.indices:
        raise RowsError("expected at least one row")
    return decoded


def _decode_json(body: bytes, codec: RowCodec, strict: bool) -> Decoded:
    if body[:1] == b"[":
        return codec.decode_json(body, single=False, strict=strict)
    if b"[" not in body:
        return codec.decode_json(body, single=True, strict=strict)
    parsed = parse_json(body)
    if isinstance(parsed, dict) and any(isinstance(value, list) for value in parsed.values()):
        parsed = _rows_of(parsed)
    rows = parsed if isinstance(parsed, list) else [parsed]
    return codec.decode_objects(rows, strict=strict)


def _rows_of(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not all(isinstance(column, list) for column in columns.values()):
        raise RowsError("expected a list for every field, or for none")
    if len({len(column) for column in columns.values()}) > 1:
        raise RowsError("expected equally many values for every field")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def render(exchange: Exchange) -> Answer:
    """Render the prediction as JSON, JSON Lines or CSV without a header. Raises NotAcceptable."""
    written, headers = media.writable(exchange, _WRITABLE), _custom_attributes(exchange)
    if written != media.JSON:
        headers += warning_headers(exchange.decoded)
    if written == media.CSV:
        cells = _cells(exchange.live, exchange.prediction)
        return Answer(200, media.write_csv(cells[0], cells[1:]), media.CSV_TYPE, headers)
    predictions = _predictions(exchange.live, exchange.prediction)
    if written == media.JSON_LINES:
        lines = b"".join(msgspec.json.encode(one) + b"\n" for one in predictions)
        return Answer(200, lines, _LINES, headers)
    document: dict[str, Any] = {"predictions": predictions}
    warnings = warnings_of(exchange.decoded)
    if warnings:
        document["warnings"] = warnings
    return Answer(200, msgspec.json.encode(document), JSON, headers)


def _cells(live: Live, prediction: Prediction) -> list[list[Any]]:
    # As the platform's own algorithms have it: what is predicted, and all of its probabilities.
    target = live.schema.target
    kept = [
        i for i, name in enumerate(live.task.header(target, prediction)) if name != "probability"
    ]
    return [[row[i] for i in kept] for row in live.task.cells(prediction, target)]


def _predictions(live: Live, prediction: Prediction) -> list[dict[str, Any]]:
    return live.task.answers(prediction, live.schema.target, _name(live))


def _name(live: Live) -> str:
    # As the platform's own algorithms name what they predict.
    return "predicted_label" if live.schema.target.classes else "score"


def _custom_attributes(exchange: Exchange) -> Headers:
    given = exchange.headers.get(CUSTOM_ATTRIBUTES)
    if given is None:
        return ()
    if not _PRINTABLE.fullmatch(given):
        raise ParseError("custom attributes: expected at most 1024 printable ASCII characters")
    return ((CUSTOM_ATTRIBUTES, given),)


def document(live: Live) -> Description:
    """Describe the exchange for the OpenAPI document."""
    row = row_of(live)
    columns = {
        "type": "object",
        "description": "a list of values a feature",
        "additionalProperties": {"type": "array"},
    }
    one = prediction_schema(live, _name(live))
    rows = {"type": "array", "items": row, "minItems": 1}
    answer = {
        "type": "object",
        "properties": {
            "predictions": {"type": "array", "items": one},
            "warnings": {"type": "array", "items": {"type": "object"}},
        },
    }
    return Description(
        "Invocation as SageMaker makes it",
        {
            media.JSON: {
                "schema": {"anyOf": [row, rows, columns]},
                "example": {key: [value] for key, value in live.schema.example.items()},
            },
            _LINES.decode(): {},
            media.CSV: {},
        },
        {media.JSON: {"schema": answer}, _LINES.decode(): {}, media.CSV: {}},
        parameters=(
            flag("strict", STRICT),
            header("X-Amzn-SageMaker-Custom-Attributes", "given back", pattern="^[ -~]{0,1024}$"),
        ),
    )
