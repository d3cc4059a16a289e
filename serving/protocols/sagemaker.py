"""SageMaker's dialect: `/invocations` in JSON, JSON Lines or CSV, rows or columns of them.

docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html says what the
platform asks for; the names in the answers are those of its own algorithms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from errors import ParseError, RowsError
from serving.champions import Live, Prediction
from serving.http import media
from serving.http.description import Description, header, prediction_schema, row_of
from serving.http.exchange import JSON, Answer, Headers, Request, refuse
from tables.readers.body import read_body
from tables.rows import Decoded, parse_json

# The last is what the platform itself has, and so what boto3 asks for: an endpoint is a model here.
ROUTES: tuple[tuple[str, str], ...] = (
    ("POST", "/invocations"),
    ("POST", "/models/{name}/invoke"),
    ("POST", "/endpoints/{name}/invocations"),
)
PROTOCOL: str | None = None

CUSTOM_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
_PRINTABLE = re.compile(rb"[ -~]{0,1024}")
_WRITABLE = media.WRITABLE | media.WRITABLE_LINES
_LINES = b"application/jsonlines"

__all__ = ["PROTOCOL", "ROUTES", "decode", "document", "refuse", "render"]


def decode(request: Request, live: Live) -> Decoded:
    """Decode the body into a batch: rows, or one object of columns.

    A CSV body has a header or, as the platform's batches do, only the features
    in their order. Raises ParseError, MediaTypeError and RowsError.
    """
    written = media.readable(request)
    if written == media.CSV:
        named = b"header=present" in request.headers.get(b"content-type", b"")
        table = read_body(request.body, live.schema, header=named)
        decoded = live.codec.decode_columns(table.columns, dialect=table.dialect)
    elif written == media.JSON_LINES:
        lines = [parse_json(line) for line in request.body.splitlines() if line.strip()]
        decoded = live.codec.decode_objects(lines)
    else:
        decoded = _decode_json(request.body, live)
    if not decoded.indices:
        raise RowsError("expected at least one row")
    return decoded


def _decode_json(body: bytes, live: Live) -> Decoded:
    if body[:1] == b"[":
        return live.codec.decode_json(body, single=False)
    if b"[" not in body:
        return live.codec.decode_json(body, single=True)
    parsed = parse_json(body)
    if isinstance(parsed, dict) and any(isinstance(value, list) for value in parsed.values()):
        parsed = _rows_of(parsed)
    return live.codec.decode_objects(parsed if isinstance(parsed, list) else [parsed])


def _rows_of(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not all(isinstance(column, list) for column in columns.values()):
        raise RowsError("expected a list for every field, or for none")
    if len({len(column) for column in columns.values()}) > 1:
        raise RowsError("expected equally many values for every field")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def render(request: Request, live: Live, decoded: Decoded, prediction: Prediction) -> Answer:
    """Render the prediction as JSON, JSON Lines or CSV without a header. Raises NotAcceptable."""
    written, headers = media.writable(request, _WRITABLE), _custom_attributes(request)
    classes, rows = live.schema.label.classes, prediction.probabilities
    if written == media.CSV:
        cells = [
            (live.keys[winner], *row) for row, winner in zip(rows, prediction.winners, strict=True)
        ]
        return Answer(
            200, media.write_csv(cells[0], cells[1:]), b"text/csv; charset=utf-8", headers
        )
    predictions = [
        {
            "predicted_label": classes[winner],
            "probability": row[winner],
            "probabilities": dict(zip(live.keys, row, strict=True)),
        }
        for row, winner in zip(rows, prediction.winners, strict=True)
    ]
    if written == media.JSON_LINES:
        lines = b"".join(msgspec.json.encode(one) + b"\n" for one in predictions)
        return Answer(200, lines, _LINES, headers)
    return Answer(200, msgspec.json.encode({"predictions": predictions}), JSON, headers)


def _custom_attributes(request: Request) -> Headers:
    given = request.headers.get(CUSTOM_ATTRIBUTES)
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
    one = prediction_schema(live, "predicted_label")
    rows = {"type": "array", "items": row, "minItems": 1}
    answer = {"type": "object", "properties": {"predictions": {"type": "array", "items": one}}}
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
            header("X-Amzn-SageMaker-Custom-Attributes", "given back", pattern="^[ -~]{0,1024}$"),
        ),
    )
