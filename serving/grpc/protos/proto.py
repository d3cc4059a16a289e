"""A .proto file as plain values, and its text. Knows no gRPC and no protobuf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

# The types that protobuf itself has; any other is the name of a message.
SCALARS = ("double", "float", "int32", "int64", "uint32", "uint64", "bool", "string", "bytes")


class Field(NamedTuple):
    """One field. `map` is a map from strings to the type."""

    type: str
    name: str
    number: int
    label: Literal["", "repeated", "optional", "map"] = ""
    comment: str = ""


class Message(NamedTuple):
    """One message, with those inside it; with `oneof`, all its fields are that choice."""

    name: str
    fields: tuple[Field, ...] = ()
    messages: tuple[Message, ...] = ()
    oneof: str = ""
    comment: str = ""


class Method(NamedTuple):
    """One call, from a request to a reply."""

    name: str
    request: str
    reply: str


class Proto(NamedTuple):
    """A file with one service."""

    file: str
    package: str
    service: str
    methods: tuple[Method, ...]
    messages: tuple[Message, ...]
    comment: str = ""

    @property
    def full_service(self) -> str:
        """The service's name with its package."""
        return f"{self.package}.{self.service}"


def render(proto: Proto) -> str:
    """Return the text of a .proto file."""
    return "\n".join([*_lines(proto), ""])


def _lines(proto: Proto) -> Iterator[str]:
    yield from (f"// {line}" for line in proto.comment.splitlines())
    yield from ('syntax = "proto3";', "", f"package {proto.package};", "")
    yield f"service {proto.service} {{"
    for method in proto.methods:
        yield f"  rpc {method.name}({method.request}) returns ({method.reply});"
    yield "}"
    for message in proto.messages:
        yield ""
        yield from _message(message, "")


def _message(message: Message, indent: str) -> Iterator[str]:
    inner = indent + "  "
    yield from (f"{indent}// {line}" for line in message.comment.splitlines())
    if not message.fields and not message.messages:
        yield f"{indent}message {message.name} {{}}"
        return
    yield f"{indent}message {message.name} {{"
    for nested in message.messages:
        yield from _message(nested, inner)
    if message.oneof:
        yield f"{inner}oneof {message.oneof} {{"
    for field in message.fields:
        yield from _field(field, inner + ("  " if message.oneof else ""))
    if message.oneof:
        yield f"{inner}}}"
    yield f"{indent}}}"


def _field(field: Field, indent: str) -> Iterator[str]:
    yield from (f"{indent}// {line}" for line in field.comment.splitlines())
    kind = f"map<string, {field.type}>" if field.label == "map" else field.type
    label = f"{field.label} " if field.label in ("repeated", "optional") else ""
    yield f"{indent}{label}{kind} {field.name} = {field.number};"
