"""What came true of predictions: `POST /v0/feedback`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from serving.auth import Guard
from serving.exchange import Answer
from serving.http.access import check_key
from serving.http.operation import TEXT, Operation, content, described, members
from serving.http.wsgi import flask_response
from serving.media import CSV, JSON, JSON_LINES, media_of, unpack
from serving.truth_rows import LONGEST, read_truths

# Keeps truths and returns what became of them, as JSON. Raises MiranteError.
Keep = Callable[[Sequence[Any]], bytes]

_COUNT = {"type": "integer", "minimum": 0}
_TRUTH = members(
    "id",
    "truth",
    id={"type": "string", "minLength": 1, "maxLength": LONGEST},
    truth={"type": ["boolean", "number", "string"]},
)
_TRUTHS = {"anyOf": [_TRUTH, {"type": "array", "items": _TRUTH, "minItems": 1}]}
_EXAMPLE = [{"id": "order-7", "truth": True}]
_FEEDBACK = Operation(
    "Monitoring",
    "Say what came true of predictions, by their ids; the same again changes nothing",
    content(
        members("accepted", "repeated", "unknown", accepted=_COUNT, repeated=_COUNT, unknown=_COUNT)
    ),
    (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
    key="feedback",
    takes={
        JSON: {"schema": _TRUTHS, "example": _EXAMPLE},
        JSON_LINES: {"schema": TEXT},
        CSV: {"schema": TEXT, "example": "id,truth\norder-7,true\n"},
    },
)


def feedback_blueprint(
    guard: Guard, keep: Keep, *, max_body_bytes: int, max_rows: int
) -> Blueprint:
    """Return the blueprint of the route that takes truths."""
    blueprint = Blueprint("feedback", __name__)

    @blueprint.post("/v0/feedback")
    @described(_FEEDBACK)
    def feedback() -> Response:
        check_key(guard, "feedback")
        media = media_of(request.headers.get("Content-Type", "").encode("latin-1"))
        request.max_content_length = max_body_bytes
        body, packed = request.get_data(), request.headers.get("Content-Encoding")
        if packed:
            body = unpack(body, packed.encode("latin-1"), max_body_bytes)
        return flask_response(Answer(200, keep(read_truths(body, media, max_rows))))

    return blueprint
