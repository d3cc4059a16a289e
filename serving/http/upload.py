"""A table that is uploaded as multipart/form-data, and the fields beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, get_args

import msgspec
from flask import request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from errors import ParseError, RecipeError
from policy import NAME
from serving.http.operation import Schema
from serving.http.unpacked_stream import unpacked_stream
from serving.refusals import BodyTooLarge
from tables.overrides import Overrides
from tables.schema import Kind

T = TypeVar("T")

_REFUSED = re.compile("[\0\ud800-\udfff]")

MOST_FIELDS = 32
# Around the file stand its fields and boundaries.
ENVELOPE = 64 * 1024
# Fields of more than a text.
JSON_FIELDS = frozenset({"parameters", "kinds", "missing"})

JSON_OBJECT: Schema = {"type": "string", "description": "a JSON object"}
UPLOAD: dict[str, Schema] = {
    "file": {
        "type": "string",
        "format": "binary",
        "description": "the table: CSV, Excel, Parquet, Arrow or JSON",
    },
    "kinds": {"type": "string", "description": "a JSON object: the kind of each column named"},
    "missing": {"type": "string", "description": "a JSON list of words"},
}


def only_file() -> FileStorage:
    """Return the one file, under the field `file`; the name it has is never looked at.

    Raises RecipeError.
    """
    files = list(request.files.items(multi=True))
    if len(files) != 1 or files[0][0] != "file":
        raise RecipeError("file: expected one table as CSV")
    return files[0][1]


def form_fields() -> dict[str, Any]:
    """Return the fields beside the file, those of JSON_FIELDS parsed.

    Raises RecipeError and ParseError.
    """
    fields: dict[str, Any] = {}
    for key, values in request.form.lists():
        if len(values) != 1:
            raise RecipeError("a field is given twice")
        fields[key] = values[0]
    for key in JSON_FIELDS & fields.keys():
        fields[key] = parsed(fields[key].encode())
    return fields


def parsed(data: bytes) -> Any:
    """Return parsed JSON. Raises ParseError."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise ParseError("the order is not JSON") from None


def converted(data: Any, kind: type[T], texts: bool = False) -> T:
    """Return an order of a form or of JSON; `texts` says that it is a form. Raises RecipeError."""
    _check_text(data)
    # A form has nothing but texts: there "3" is a number.
    try:
        return msgspec.convert(data, kind, strict=not (texts or issubclass(kind, Overrides)))
    except msgspec.ValidationError as error:
        raise RecipeError(_fault(str(error), kind)) from None


def _check_text(data: Any) -> None:
    """Raise RecipeError for a text, wherever it stands, that not every database can keep."""
    left = [data]
    while left:  # however deep it is nested
        part = left.pop()
        if isinstance(part, dict):
            left += [*part, *part.values()]
        elif isinstance(part, list):
            left += part
        elif isinstance(part, str) and _REFUSED.search(part):
            raise RecipeError("expected texts without NUL and without lone surrogates")


def _fault(message: str, kind: type[Any]) -> str:
    """Say what was expected and where, without the half of the message that shows a value."""
    members = ", ".join(field.encode_name for field in msgspec.structs.fields(kind))
    fault, _, path = message.partition(" - at ")
    where = re.match(r"`\$\.(\w+)", path)
    if where and where[1] in members.split(", "):
        return f"{where[1]}: {_EXPECTED[where[1]]}"
    if "missing required" in fault:
        return "target: expected the name of the column to predict"
    return f"expected no other members than {members}"


_EXPECTED = {
    "recipe": "expected the name of a recipe",
    "name": f"expected a model's name, {NAME}",
    "estimator": "expected the name of an estimator",
    "target": "expected the name of the column to predict",
    "parameters": "expected an object",
    "promote": "expected if_better, always or never",
    "seed": "expected an integer from 0 to 4294967295",
    "kinds": f"expected an object of kinds by column, of {', '.join(get_args(Kind))}",
    "decimal": "expected . or ,",
    "missing": "expected a list of words",
    "sheet": "expected the name of a sheet",
    "skip_bad_lines": "expected true or false",
    "merge_rare": "expected a name for the classes of too few rows",
    "group": "expected the name of the column whose rows stay together",
    "time": "expected the name of the column that says when a row was",
    "keep_data": "expected true or false",
    "format": "expected csv, csv.gz, jsonl, jsonl.gz, parquet or arrow",
    "version": "expected the id of a version",
    "interval": "expected a number above 0 and below 1",
    "contributions": "expected true or false",
    "probabilities": "expected true or false",
    "prefix": "expected a text",
    "strict": "expected true or false",
    "table": "expected an address",
    "to": "expected an address",
}


def _unpack(most_bytes: int) -> None:
    """Have a packed body read as what it holds, of a length that is not known beforehand."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return
    environ = request.environ
    packed = get_input_stream(environ, max_content_length=most_bytes)
    environ["wsgi.input"] = unpacked_stream(packed, encoding)
    environ["wsgi.input_terminated"] = True
    for name in ("CONTENT_LENGTH", "HTTP_CONTENT_ENCODING"):
        environ.pop(name, None)


@contextmanager
def bounded(max_upload_bytes: int) -> Iterator[None]:
    """Read no more of a request's form than an upload may have, unpacked if it is packed.

    Raises BodyTooLarge and MediaTypeError.
    """
    request.max_content_length = max_upload_bytes + ENVELOPE
    request.max_form_parts = MOST_FIELDS
    try:
        _unpack(max_upload_bytes + ENVELOPE)
        yield
    except RequestEntityTooLarge:
        raise BodyTooLarge(f"an upload is at most {max_upload_bytes} bytes") from None
