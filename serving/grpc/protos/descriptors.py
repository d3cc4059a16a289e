"""Message classes made at run time, each file's in a pool of its own.

A pool of its own, so that a client's generated module of the same names can be
imported beside it.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from serving.grpc.protos.proto import SCALARS, Field, Message, Proto

_FIELD = descriptor_pb2.FieldDescriptorProto


class Messages:
    """The message classes of a file, by name."""

    def __init__(self, proto: Proto) -> None:
        self.proto = proto
        self.pool = descriptor_pool.DescriptorPool()
        self.pool.AddSerializedFile(file_descriptor(proto).SerializeToString())

    def __getitem__(self, name: str) -> Any:
        """Return the class of a message."""
        found = self.pool.FindMessageTypeByName(f"{self.proto.package}.{name}")
        return message_factory.GetMessageClass(found)


def file_descriptor(proto: Proto) -> descriptor_pb2.FileDescriptorProto:
    """Return the file as protobuf describes files."""
    made = descriptor_pb2.FileDescriptorProto(
        name=proto.file, package=proto.package, syntax="proto3"
    )
    top = f".{proto.package}"
    for message in proto.messages:
        _fill(made.message_type.add(), message, top, top)
    service = made.service.add(name=proto.service)
    for method in proto.methods:
        service.method.add(
            name=method.name,
            input_type=f"{top}.{method.request}",
            output_type=f"{top}.{method.reply}",
        )
    return made


def _fill(made: Any, message: Message, top: str, scope: str) -> None:
    made.name = message.name
    inside = f"{scope}.{message.name}"
    for nested in message.messages:
        _fill(made.nested_type.add(), nested, top, inside)
    if message.oneof:
        made.oneof_decl.add(name=message.oneof)
    nested_names = {nested.name for nested in message.messages}
    for field in message.fields:
        home = inside if field.type in nested_names else top
        added = made.field.add(name=field.name, number=field.number, label=_FIELD.LABEL_OPTIONAL)
        if field.label == "map":
            _add_map(made, added, field, home, inside)
        else:
            _set_type(added, field.type, home)
        if field.label == "repeated":
            added.label = _FIELD.LABEL_REPEATED
        if message.oneof:
            added.oneof_index = 0
    _add_optionals(made, message)


def _add_map(made: Any, added: Any, field: Field, home: str, inside: str) -> None:
    """A map is a repeated message of key and value."""
    entry = made.nested_type.add(name=f"{field.name.title().replace('_', '')}Entry")
    entry.options.map_entry = True
    key = entry.field.add(name="key", number=1, label=_FIELD.LABEL_OPTIONAL)
    value = entry.field.add(name="value", number=2, label=_FIELD.LABEL_OPTIONAL)
    _set_type(key, "string", home)
    _set_type(value, field.type, home)
    added.label = _FIELD.LABEL_REPEATED
    _set_type(added, entry.name, inside)


def _add_optionals(made: Any, message: Message) -> None:
    """An `optional` field is the only one of a choice that nobody named; those come last."""
    for added, field in zip(made.field, message.fields, strict=True):
        if field.label == "optional":
            added.proto3_optional = True
            added.oneof_index = len(made.oneof_decl)
            made.oneof_decl.add(name=f"_{field.name}")


def _set_type(added: Any, name: str, home: str) -> None:
    if name in SCALARS:
        added.type = getattr(_FIELD, f"TYPE_{name.upper()}")
    else:
        added.type = _FIELD.TYPE_MESSAGE
        added.type_name = f"{home}.{name}"
