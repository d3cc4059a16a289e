"""The tweets protocol: texts by key in, the class of each by the same key out."""

from __future__ import annotations

from typing import Any

import msgspec

from errors import AccessError, MiranteError, NotFound, ParseError
from serving import media
from serving.champions import Live
from serving.description import STRICT, Description, flag
from serving.exchange import JSON, Answer, Exchange, Routes
from serving.problems import explain, headers_of, status_of
from serving.refusals import MediaTypeError
from serving.warnings import warning_headers
from tables.json_schema import choice
from tables.json_text import MOST_ROWS, is_long
from tables.rows import Decoded, json_name, parse_json

TAG = "Tweets"
ROUTES: Routes = (("POST", "/api/v1/{token}/predict", "predict"),)
PROTOCOL: str | None = "keyed"

_texts = msgspec.json.Decoder(dict[str, str])


def decode(exchange: Exchange) -> Decoded:
    """Decode the body, an object of texts by key, into a batch with a row a text.

    The keys are kept for rendering. `?strict=1` refuses what else is answered with a
    warning. Raises ParseError, MediaTypeError, RequestError, and RowsError for a model
    that reads more than one text.
    """
    if media.readable(exchange) != media.JSON:
        raise MediaTypeError(f"expected Content-Type {media.JSON}")
    codec = exchange.live.codec
    (strict,) = exchange.flags("strict")
    name = codec.schema.features[0].name
    texts = exchange.options = texts_of(exchange.body, exchange.max_rows)
    rows = ({name: text} for text in texts.values())
    return codec.decode_objects(rows, strict=strict, most_rows=exchange.max_rows)


def texts_of(body: bytes, most: int = MOST_ROWS) -> dict[str, str]:
    """Return the texts by key, in the body's order. Raises ParseError."""
    try:
        # A long body is parsed a block at a time.
        texts = _texts_patiently(parse_json(body, most)) if is_long(body) else _texts.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        texts = _texts_patiently(parse_json(body, most))
    if not texts:
        raise ParseError("expected an object with at least one text")
    return texts


def _texts_patiently(value: Any) -> dict[str, str]:
    """Return the texts of a parsed body, or say what is wrong with it.

    The quick decoder refuses a byte order mark, and this one reads what follows it.
    """
    if not isinstance(value, dict):
        raise ParseError(f"expected an object of texts by key, got {json_name(value)}")
    for index, text in enumerate(value.values(), 1):
        if not isinstance(text, str):
            raise ParseError(f"value {index}: expected string, got {json_name(text)}")
    if any("\ud800" <= letter <= "\udfff" for pair in value.items() for letter in "".join(pair)):
        raise ParseError("the body is not Unicode: it has half of a surrogate pair")
    return value


def render(exchange: Exchange) -> Answer:
    """Render each row's class, capitalized, under its key and in its order."""
    classes = [key.capitalize() for key in exchange.live.keys]
    winners = exchange.prediction.winners
    named = {key: classes[each] for key, each in zip(exchange.options, winners, strict=True)}
    return Answer(200, msgspec.json.encode(named), headers=warning_headers(exchange.decoded))


def refuse(error: MiranteError, request_id: str) -> Answer:
    """Render an error; a key that is no good makes it a path where there is nothing."""
    if isinstance(error, AccessError):
        error = NotFound("there is nothing at this path")
    status = status_of(error)
    document = {"error": int(status), "text": status.phrase, "detail": explain(error)}
    return Answer(status, msgspec.json.encode(document), JSON, headers_of(error))


def document(live: Live) -> Description:
    """Describe the exchange for the OpenAPI document."""
    texts = {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1}
    classes = choice([key.capitalize() for key in live.keys])
    error = {
        "type": "object",
        "properties": {
            "error": {"type": "integer"},
            "text": {"type": "string"},
            "detail": {"type": "string"},
        },
        "required": ["error", "text", "detail"],
    }
    return Description(
        "The class of each text, by its key; the token in the path is an API key",
        {media.JSON: {"schema": texts, "example": {"1": "a tweet", "2": "another"}}},
        {media.JSON: {"schema": {"type": "object", "additionalProperties": classes}}},
        {media.JSON: {"schema": error}},
        (flag("strict", STRICT),),
    )
