"""What a Flask route takes and gives, for the OpenAPI document; it stands beside its view."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

Schema = dict[str, Any]
View = TypeVar("View", bound=Callable[..., Any])

JSON = "application/json"
OBJECT: Schema = {"type": "object"}
TEXT: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
TIME: Schema = {"type": "string", "format": "date-time"}


class Operation(NamedTuple):
    """One route: its answer's content by media type, and the statuses that refuse it.

    `key` is the scope that a key must have; none: the route is open to all, or, if it is
    `closed_with_prediction`, to those who may predict.
    """

    tag: str
    summary: str
    gives: dict[str, Schema]
    refuses: tuple[HTTPStatus, ...] = ()
    status: HTTPStatus = HTTPStatus.OK
    key: Literal["", "predict", "feedback", "train", "admin"] = ""
    takes: dict[str, Schema] = {}  # noqa: RUF012
    parameters: tuple[Schema, ...] = ()
    errors: Literal["problem", "oip", "self"] = "problem"
    closed_with_prediction: bool = False


def described(operation: Operation) -> Callable[[View], View]:
    """Return a decorator that writes the operation on a view, where `operation_of` finds it."""

    def describe(view: View) -> View:
        view.operation = operation  # type: ignore[attr-defined]
        return view

    return describe


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """Return what a view is described with, or None."""
    return getattr(view, "operation", None)


def members(*required: str, **properties: Schema) -> Schema:
    """Return the schema of an object with these members; those named are always there."""
    return {"type": "object", "properties": properties, "required": list(required)}


def every(**properties: Schema) -> Schema:
    """Return the schema of an object that always has all of these members."""
    return members(*properties, **properties)


def array(item: Schema = OBJECT) -> Schema:
    """Return the schema of a list of such items."""
    return {"type": "array", "items": item}


def listed(name: str, item: Schema = OBJECT) -> dict[str, Schema]:
    """Return JSON content: an object that has a list under `name`."""
    return content(every(**{name: array(item)}))


def content(schema: Schema) -> dict[str, Schema]:
    """Return JSON content of a schema."""
    return {JSON: {"schema": schema}}


def order_schema(kind: type[msgspec.Struct], **more: Schema) -> Schema:
    """Return the schema of a struct that a route takes, with members that it does not have."""
    _, components = msgspec.json.schema_components([kind])
    schema = _portable(components[kind.__name__])
    schema.pop("title", None)
    schema.pop("description", None)
    return {**schema, "properties": {**schema["properties"], **more}}


def _portable(node: Any) -> Any:
    """Return a schema as other tools read it.

    In the patterns of JSON Schema `$` is the end of a text, an enumeration has a type, and
    R's generator writes no code for a default that is a list or an object, nor any that can be
    parsed for a bound that is not a value itself.
    """
    if isinstance(node, list):
        return [_portable(item) for item in node]
    if not isinstance(node, dict):
        return node
    read = {key: _portable(item) for key, item in node.items()}
    for bound in ("minimum", "maximum"):
        exclusive = read.pop(f"exclusive{bound.capitalize()}", None)
        if exclusive is not None:
            read[bound] = exclusive
    if isinstance(read.get("pattern"), str):
        read["pattern"] = read["pattern"].replace(r"\Z", "$")
    if isinstance(read.get("default"), list | dict):
        del read["default"]
    if all(isinstance(value, str) for value in read.get("enum", [None])):
        read["type"] = "string"
    return read
