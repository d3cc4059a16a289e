"""SageMaker's protocol: `/invocations` in JSON, JSON Lines, CSV or npy, rows or columns of them.

docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html says what the
platform asks for; the names in the answers are those of its own algorithms.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from errors import MiranteError, ParseError, RowsError
from serving import media
from serving.answer_blocks import are_blocks, in_blocks, write_json
from serving.champions import Live, Prediction
from serving.description import (
    BINARY,
    PARTIAL,
    ROW_PROBLEM_SCHEMA,
    STRICT,
    TEXT,
    VALUES,
    WARNING_SCHEMA,
    Description,
    Schema,
    explanation_parameters,
    explanation_schema,
    flag,
    header,
    prediction_schema,
    row_of,
)
from serving.envelopes import (
    COLUMNS,
    FEATURES,
    FRAME,
    INSTANCES,
    RECORDS,
    ROWS,
    envelope_of,
    in_columns,
    late_rows,
    named,
    rows_in,
    rows_of_columns,
)
from serving.exchange import JSON, Answer, Exchange, Headers, Routes
from serving.explanations import columns, explained, explanations_of
from serving.problems import errors_of, refuse_with_message
from serving.refusals import RequestError
from serving.warnings import warning_headers, warning_members
from tables.arrow_body import decode_arrow, decode_parquet
from tables.json_text import lines_of
from tables.readers.body import read_body
from tables.readers.npy import columns_of_array, read_npy, rows_of_array, write_npy
from tables.rows import Decoded, parse_json

TAG = "SageMaker"
# The last is what the platform itself has, and so what boto3 calls: an endpoint is a model here.
ROUTES: Routes = (
    ("POST", "/invocations", "predict"),
    ("POST", "/models/{name}/invoke", "predict"),
    ("POST", "/endpoints/{name}/invocations", "predict"),
)
PROTOCOL: str | None = None

EXPLAINS = True
CUSTOM_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
_PRINTABLE = re.compile(rb"[ -~]{0,1024}")
NPY = "application/x-npy"
_WRITABLE = media.WRITABLE | media.WRITABLE_LINES | {NPY: NPY}
_LINES = b"application/jsonlines"

__all__ = ["PROTOCOL", "ROUTES", "TAG", "decode", "document", "refuse", "render"]


def decode(exchange: Exchange) -> Decoded:
    """Decode the body into a batch: rows, or one object of columns.

    A CSV body has a header or, as the platform's batches do, only the features
    in their order. JSON may be in an envelope of MLflow's.
    `?strict=1` refuses what else is answered with a warning, `?partial=1` keeps the good rows.
    Raises ParseError, MediaTypeError, RowsError and RequestError.
    """
    codec, body, most = exchange.live.codec, exchange.body, exchange.max_rows
    partial, strict = exchange.switches()
    taken: dict[str, Any] = {"partial": partial, "strict": strict, "most_rows": most}
    exchange.options = None
    written = NPY if exchange.media_type == NPY.encode() else media.readable(exchange)
    if written == NPY:
        decoded = _decode_npy(exchange, taken)
    elif written == media.CSV:
        named = b"header=present" in exchange.headers.get(b"content-type", b"")
        table = read_body(
            body,
            exchange.live.schema,
            header=named,
            charset=media.charset(exchange),
            most_rows=most,
        )
        decoded = codec.decode_columns(table.columns, dialect=table.dialect, **taken)
    elif written in (media.ARROW, media.PARQUET):
        read = decode_arrow if written == media.ARROW else decode_parquet
        decoded = read(body, codec, **taken)
    elif written == media.JSON_LINES:
        decoded = codec.decode_objects(lines_of(body), **taken)
    else:
        decoded = _decode_json(exchange, taken)
    if not decoded.indices:
        raise RowsError("expected at least one row that fits the signature", decoded.problems)
    return decoded


def _decode_npy(exchange: Exchange, taken: dict[str, Any]) -> Decoded:
    codec, schema = exchange.live.codec, exchange.live.schema
    array = read_npy(exchange.body, schema, exchange.max_rows)
    if array.dtype.kind == "U":
        return codec.decode_columns(columns_of_array(array, schema), **taken)
    return codec.decode_objects(rows_of_array(array, schema), **taken)


def _decode_json(exchange: Exchange, taken: dict[str, Any]) -> Decoded:
    codec, body, schema = exchange.live.codec, exchange.body, exchange.live.schema
    if b"[" not in body:
        return codec.decode_json(body, single=True, strict=taken["strict"])
    if body[:2] == b"[{" and FEATURES.encode() not in body:
        return codec.decode_json(body, single=False, **taken)
    parsed = parse_json(body, exchange.max_rows, len(schema.features), late_rows(schema))
    exchange.options = envelope_of(parsed, schema)
    if exchange.options is not None:
        rows = rows_in(exchange.options, parsed, schema)
    elif in_columns(parsed, schema):
        rows = rows_of_columns(parsed)
    else:
        rows = named(parsed if isinstance(parsed, ROWS) else [parsed], schema)
    return codec.decode_objects(rows, **taken)


def render(exchange: Exchange) -> Answer:
    """Render the prediction as JSON, JSON Lines, CSV without a header, or npy.

    A row that `partial` left out is null, and in CSV has no values.
    Raises NotAcceptable, and RequestError for an npy that would lack rows.
    """
    written, headers = media.writable(exchange, _WRITABLE), _custom_attributes(exchange)
    live, decoded = exchange.live, exchange.decoded
    if written != media.JSON:
        headers += warning_headers(decoded)
    if written == media.CSV:
        # Bare: the platform's SDK compares the whole value.
        return Answer(200, _csv(exchange), b"text/csv", headers)
    if are_blocks(exchange) and written == media.JSON:
        return Answer(200, _json_in_blocks(exchange), JSON, headers + _told(exchange))
    predictions = explained(exchange, _predictions(live, exchange.prediction))
    if written == NPY:
        if decoded.problems:
            raise RequestError("partial: expected an Accept of JSON, JSON Lines or CSV")
        values = [one[_name(live)] for one in predictions]
        return Answer(200, write_npy(values), NPY.encode(), headers)
    if written == media.JSON_LINES:
        lines = (msgspec.json.encode(one) + b"\n" for one in decoded.in_order(predictions))
        return Answer(200, b"".join(lines), _LINES, headers)
    if exchange.options is not None:
        predictions = [one[_name(live)] for one in predictions]
    headers += _told(exchange)
    document: dict[str, Any] = {"predictions": decoded.in_order(predictions)} | errors_of(decoded)
    document |= warning_members(decoded) if exchange.options is None else _explained(exchange)
    return Answer(200, msgspec.json.encode(document), JSON, headers)


def _told(exchange: Exchange) -> Headers:
    """Return the warnings for which an envelope of MLflow's has no room in its answer."""
    return () if exchange.options is None else warning_headers(exchange.decoded)


def _json_in_blocks(exchange: Exchange) -> bytes:
    live, name = exchange.live, _name(exchange.live)
    rows = in_blocks(exchange, lambda part: _predictions(live, part))
    count = len(exchange.decoded.indices)
    if exchange.options is not None:
        return write_json("predictions", (row[name] for row in rows), count, {})
    return write_json("predictions", rows, count, warning_members(exchange.decoded))


def _explained(exchange: Exchange) -> dict[str, Any]:
    """Return the explanations beside predictions that are but values, where they are asked for."""
    found = explanations_of(exchange)
    return {} if found is None else {"explanations": exchange.decoded.in_order(found)}


def _csv(exchange: Exchange) -> bytes:
    if are_blocks(exchange):
        lines = in_blocks(exchange, lambda part: _cells(exchange.live, part))
        return media.write_csv(next(lines), lines)
    cells = _cells(exchange.live, exchange.prediction)
    more = columns(exchange)
    if more is not None:
        cells = [[*a, *b] for a, b in zip(cells, more[1], strict=True)]
    rows = [row or ("",) * len(cells[0]) for row in exchange.decoded.in_order(cells)]
    return media.write_csv(rows[0], rows[1:])


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


def refuse(error: MiranteError, request_id: str) -> Answer:
    """Render an error as a problem that also has `message`, the one member that boto3 shows."""
    return refuse_with_message(error, request_id)


# What an answer has besides predictions, the last two under `partial`.
_SAID_OF_ROWS = {
    "warnings": {"type": "array", "items": WARNING_SCHEMA},
    "errors": {"type": "array", "items": ROW_PROBLEM_SCHEMA},
    "errors_omitted": {"type": "integer"},
}


def document(live: Live) -> Description:
    """Describe the exchange for the OpenAPI document."""
    row = row_of(live)
    name = _name(live)
    one = prediction_schema(live, name)
    value = one["properties"][name]  # all that an envelope of MLflow's is answered with
    rows = {"type": "array", "items": row, "minItems": 1}
    answer: Schema = {
        "type": "object",
        "properties": {
            "predictions": {"type": "array", "items": {"anyOf": [one, value, {"type": "null"}]}},
            **_SAID_OF_ROWS,
        },
    }
    if explanation := explanation_schema(live):  # beside what an envelope is answered with
        explanations = {"type": "array", "items": {"anyOf": [explanation, {"type": "null"}]}}
        answer["properties"]["explanations"] = explanations
    return Description(
        "Invocation as SageMaker makes it",
        {
            media.JSON: {
                "schema": {"anyOf": [row, rows, _COLUMNS, _envelope(row)]},
                "example": {key: [value] for key, value in live.schema.example.items()},
            },
            _LINES.decode(): TEXT,
            media.CSV: TEXT,
            **dict.fromkeys((NPY, media.ARROW, media.PARQUET), BINARY),
        },
        {
            media.JSON: {"schema": answer},
            _LINES.decode(): TEXT,
            media.CSV: TEXT,
            NPY: BINARY,
        },
        parameters=(
            flag("partial", PARTIAL),
            flag("strict", STRICT),
            *explanation_parameters(live),
            header("X-Amzn-SageMaker-Custom-Attributes", "given back", pattern="^[ -~]{0,1024}$"),
        ),
    )


_COLUMNS: Schema = {
    "type": "object",
    "description": "a list of values a feature",
    "additionalProperties": VALUES,
}


def _envelope(row: Schema) -> Schema:
    """Return the schema of the envelopes that serving/envelopes.py reads."""
    rows = {"type": "array", "items": {"anyOf": [row, VALUES]}}
    columns = {"type": "array", "items": {"type": "string"}}
    frame = {"columns": columns, "data": {"type": "array", "items": VALUES}}
    return {
        "type": "object",
        "description": "rows as MLflow's clients send them, in one of these",
        "properties": {
            FRAME: {"type": "object", "properties": frame, "required": ["columns", "data"]},
            RECORDS: rows,
            INSTANCES: rows,
            COLUMNS: {"anyOf": [_COLUMNS, rows]},
        },
    }
