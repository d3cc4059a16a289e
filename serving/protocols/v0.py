"""The v0 protocol: one row or a list of rows, in JSON, JSON Lines, CSV, Arrow or Parquet."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import msgspec

from errors import ParseError, RowsError
from serving import media
from serving.answer_blocks import are_blocks, in_blocks, write_json
from serving.arrow_answers import write_arrow
from serving.champions import Live
from serving.description import (
    BINARY,
    MODEL_SCHEMA,
    PARTIAL,
    ROW_PROBLEM_SCHEMA,
    STRICT,
    TEXT,
    WARNING_SCHEMA,
    Description,
    explanation_parameters,
    flag,
    interval_parameters,
    prediction_of,
    rows_of,
)
from serving.exchange import Answer, Exchange, Routes
from serving.explanations import columns, explained
from serving.problems import errors_of, refuse
from serving.warnings import warning_headers, warning_members
from tables.arrow_body import decode_arrow, decode_parquet
from tables.json_text import lines_of
from tables.readers.body import read_body
from tables.rows import Decoded

TAG = "Prediction"
ROUTES: Routes = (
    ("POST", "/v0/predict", "predict"),
    ("POST", "/v0/models/{name}/predict", "predict"),
    ("POST", "/v0/explain", "explain"),
    ("POST", "/v0/models/{name}/explain", "explain"),
)
PROTOCOL: str | None = None
EXPLAINS = True
STREAM = "CSV or JSON Lines of any length, answered a line a row as they come"

__all__ = ["PROTOCOL", "ROUTES", "TAG", "decode", "document", "refuse", "render"]


def decode(exchange: Exchange) -> Decoded:
    """Decode the body into a batch.

    `?partial=1` keeps the good rows, `?strict=1` refuses categories never seen,
    and missing values where training had none.
    Raises ParseError, MediaTypeError and RowsError.
    """
    codec, body, most = exchange.live.codec, exchange.body, exchange.max_rows
    partial, strict = exchange.switches()
    exchange.flags("stream")  # where nothing streams it may still be misspelt
    written = media.readable(exchange)
    if written == media.CSV:
        table = read_body(
            body, exchange.live.schema, charset=media.charset(exchange), most_rows=most
        )
        decoded = codec.decode_columns(
            table.columns, partial=partial, strict=strict, dialect=table.dialect, most_rows=most
        )
    elif written in (media.ARROW, media.PARQUET):
        read = decode_arrow if written == media.ARROW else decode_parquet
        decoded = read(body, codec, partial=partial, strict=strict, most_rows=most)
    elif written == media.JSON_LINES:
        decoded = codec.decode_objects(
            lines_of(body), partial=partial, strict=strict, most_rows=most
        )
    else:
        single = body[:1] == b"{" or _is_single(body)
        decoded = codec.decode_json(
            body, single=single, partial=partial, strict=strict, most_rows=most
        )
    if not decoded.indices:
        raise RowsError("expected at least one row that fits the signature", decoded.problems)
    return decoded


def _is_single(body: bytes) -> bool:
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")[:1]
    if not start:
        raise ParseError("the body is empty; expected an object (one row) or a list of objects")
    return start == b"{"


def render(exchange: Exchange) -> Answer:
    """Render the prediction as JSON, CSV or an Arrow stream. Raises NotAcceptable."""
    live, decoded = exchange.live, exchange.decoded
    written = media.writable(exchange, media.WRITABLE_COLUMNS)
    if written == media.CSV:
        return _render_csv(exchange)
    if written == media.ARROW:
        arrow = media.ARROW.encode()
        return Answer(200, write_arrow(exchange), arrow, warning_headers(decoded))
    rest: dict[str, Any] = {
        "prediction_time": _now(int(time.time())),
        "model": {"name": live.name, "version": live.version},
    }
    if decoded.unknown or decoded.missing or decoded.problems:
        rest |= warning_members(decoded) | errors_of(decoded)
    if decoded.single:
        return Answer(200, msgspec.json.encode({"prediction": _answers(exchange)[0], **rest}))
    if are_blocks(exchange):
        target = live.schema.target
        rows = in_blocks(exchange, lambda part: live.task.answers(part, target))
        return Answer(200, write_json("predictions", rows, len(decoded.indices), rest))
    answers = decoded.in_order(_answers(exchange))
    return Answer(200, msgspec.json.encode({"predictions": answers, **rest}))


def _answers(exchange: Exchange) -> list[dict[str, Any]]:
    live = exchange.live
    answers = live.task.answers(exchange.prediction, live.schema.target)
    return answers if exchange.contributions is None else explained(exchange, answers)


def _render_csv(exchange: Exchange) -> Answer:
    live, decoded, prediction = exchange.live, exchange.decoded, exchange.prediction
    header = live.task.header(live.schema.target, prediction)
    if are_blocks(exchange):
        cells = in_blocks(exchange, lambda part: live.task.cells(part, live.schema.target))
        body = media.write_csv(header, cells)
        return Answer(200, body, media.CSV_TYPE, warning_headers(decoded))
    rows = live.task.cells(prediction, live.schema.target)
    more = columns(exchange)
    if more is not None:
        header = (*header, *more[0])
        rows = [[*a, *b] for a, b in zip(rows, more[1], strict=True)]
    blank = ("",) * len(header)
    body = media.write_csv(header, (row or blank for row in decoded.in_order(rows)))
    return Answer(200, body, media.CSV_TYPE, warning_headers(decoded))


@lru_cache(maxsize=2)
def _now(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def document(live: Live) -> Description:
    """Describe the exchange for the OpenAPI document."""
    one = prediction_of(live)
    answer = {
        "type": "object",
        "properties": {
            "prediction": one,
            "predictions": {"type": "array", "items": {"anyOf": [one, {"type": "null"}]}},
            "prediction_time": {"type": "string", "format": "date-time"},
            "model": MODEL_SCHEMA,
            "warnings": {"type": "array", "items": WARNING_SCHEMA},
            "warnings_omitted": {"type": "integer"},
            "errors": {"type": "array", "items": ROW_PROBLEM_SCHEMA},
            "errors_omitted": {"type": "integer"},
        },
        "required": ["prediction_time", "model"],
    }
    return Description(
        "Predict one row, or each row of a list",
        {
            media.JSON: {"schema": rows_of(live), "example": live.schema.example},
            media.JSON_LINES: TEXT,
            media.CSV: TEXT,
            media.ARROW: BINARY,
            media.PARQUET: BINARY,
        },
        {
            media.JSON: {"schema": answer},
            media.CSV: TEXT,
            media.ARROW: BINARY,
            media.JSON_LINES: TEXT,  # of a stream
        },
        parameters=(
            flag("partial", PARTIAL),
            flag("strict", STRICT),
            flag("stream", STREAM),
            *interval_parameters(live),
            *explanation_parameters(live),
        ),
    )
