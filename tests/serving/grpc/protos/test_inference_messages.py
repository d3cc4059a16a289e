"""The Open Inference Protocol's messages, held against those of its own client."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2
from tritonclient.grpc import service_pb2

from serving.grpc.protos.descriptors import file_descriptor
from serving.grpc.protos.inference_messages import PROTO


def shape(message: Any) -> dict[str, Any]:
    """A message's fields by name: number, type, label; and its nested messages'."""
    fields = {f.name: (f.number, f.type, f.label, f.type_name) for f in message.field}
    return fields | {nested.name: shape(nested) for nested in message.nested_type}


def test_every_message_is_the_clients_own() -> None:
    theirs = descriptor_pb2.FileDescriptorProto()
    service_pb2.DESCRIPTOR.CopyToProto(theirs)
    known = {message.name: shape(message) for message in theirs.message_type}
    ours = file_descriptor(PROTO)
    assert len(ours.message_type) == 14
    for message in ours.message_type:
        for name, found in shape(message).items():
            assert known[message.name][name] == found, (message.name, name)


def test_every_call_is_the_clients_own() -> None:
    theirs = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    for method in PROTO.methods:
        found = theirs.methods_by_name[method.name]
        assert (found.input_type.name, found.output_type.name) == (method.request, method.reply)
