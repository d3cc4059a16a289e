"""What a table would be read as: asked before it is learnt from."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import IO, Any

import msgspec
from flask import Blueprint, Response, request

from serving.auth import Guard
from serving.exchange import Answer
from serving.http.access import check_key
from serving.http.operation import (
    INTEGER,
    OBJECT,
    TEXT,
    Operation,
    array,
    content,
    described,
    members,
    order_schema,
)
from serving.http.upload import UPLOAD, bounded, converted, form_fields, only_file
from serving.http.wsgi import flask_response
from serving.refusals import MediaTypeError
from tables.overrides import Name, Overrides

# Fields of a training that say nothing of its table: a form may be sent to both.
_OF_TRAINING = {"name", "estimator", "parameters", "promote", "seed", "keep_data"}

# Describes a table as an order says, and returns JSON. Raises DatasetError and RecipeError.
Describe = Callable[[IO[bytes], dict[str, Any]], bytes]


class DescriptionOrder(Overrides, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fields beside the file; without a target all columns are features."""

    target: Name | None = None


_COLUMN = members("name", name=TEXT, kind=TEXT, left_out=TEXT, notes=array(TEXT))
_DESCRIPTION = members(
    "rows",
    "dialect",
    "columns",
    "notes",
    rows=INTEGER,
    dialect=OBJECT,
    target=OBJECT,
    columns=array(_COLUMN),
    notes=array(TEXT),
)
_FORM = order_schema(DescriptionOrder, **UPLOAD)
_FORM["required"] = ["file"]
_DESCRIBE = Operation(
    "Training",
    "Say how a table would be read: columns, kinds, what is left out; nothing is learnt",
    content(_DESCRIPTION),
    (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    ),
    key="train",
    takes={"multipart/form-data": {"schema": _FORM}},
)


def describe_blueprint(guard: Guard, describe: Describe, *, max_upload_bytes: int) -> Blueprint:
    """Return the blueprint of the route that describes a table."""
    blueprint = Blueprint("describe", __name__)

    @blueprint.post("/v0/describe")
    @described(_DESCRIBE)
    def describe_table() -> Response:
        check_key(guard, "train")
        with bounded(max_upload_bytes):
            if request.mimetype != "multipart/form-data":
                raise MediaTypeError("expected multipart/form-data")
            file, fields = only_file(), form_fields()
        given = {name: value for name, value in fields.items() if name not in _OF_TRAINING}
        order = msgspec.to_builtins(converted(given, DescriptionOrder))
        return flask_response(Answer(200, describe(file.stream, order)))

    return blueprint
