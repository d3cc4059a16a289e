"""Generated modules: what protoc writes of their .proto files, and what other clients expect."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from serving.grpc.generated import open_inference_pb2
from tests.conftest import ROOT, require
from tests.serving.grpc.triton_client import service_pb2

# protoc's check of the version, as `make proto` takes it out.
CHECK = re.compile(
    r"^.*import runtime_version.*\n|^_runtime_version\.Validate(.*\n)*?\)\n", re.MULTILINE
)
GENERATED = ROOT / "serving" / "grpc" / "generated"


@pytest.mark.parametrize(
    "proto",
    [GENERATED / "open_inference.proto", ROOT / "clients" / "iris.proto"],
    ids=lambda proto: proto.name,
)
def test_generating_again_gives_the_same_files(proto: Path, tmp_path: Path) -> None:
    require(find_spec("grpc_tools") is not None, "protoc", "pip install -r requirements-dev.txt")
    from grpc_tools import protoc

    words = [f"-I{proto.parent}", f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", proto.name]
    assert protoc.main(["", *words]) == 0
    written = sorted(tmp_path.iterdir())
    assert len(written) == 2
    for made in written:
        text = made.read_text()
        if proto.stem == "iris":  # a client's, whose protobuf is of any age
            text = CHECK.sub("", text)
            assert "runtime_version" not in text
        assert (proto.parent / made.name).read_text() == text, "run `make proto`"


def test_the_client_s_messages_check_no_version_of_protobuf() -> None:
    # protoc 7's own module is refused by protobuf 3.20 to 6; this one was read by 3.20.3, 4.25.8
    # and 5.29.5, in C and in Python, and by the one that is installed.
    text = (ROOT / "clients" / "iris_pb2.py").read_text()
    assert "runtime_version" not in text
    used = set(re.findall(r"^from (\S+) import (\w+)", text, re.MULTILINE))
    assert used == {
        ("google.protobuf", "descriptor"),
        ("google.protobuf", "descriptor_pool"),
        ("google.protobuf", "symbol_database"),
        ("google.protobuf.internal", "builder"),
    }


def shape(message: Any) -> dict[str, Any]:
    """A message's fields by name: number, type, label; and its nested messages'."""
    fields = {f.name: (f.number, f.type, f.label, f.type_name) for f in message.field}
    return fields | {nested.name: shape(nested) for nested in message.nested_type}


# What KServe's clients read of answers that have no field for Triton's.
KSERVES = {
    ("RepositoryModelLoadResponse", "model_name"),
    ("RepositoryModelLoadResponse", "isLoaded"),
    ("RepositoryModelUnloadResponse", "model_name"),
    ("RepositoryModelUnloadResponse", "isUnloaded"),
}


def test_every_message_is_the_clients_own() -> None:
    theirs, ours = descriptor_pb2.FileDescriptorProto(), descriptor_pb2.FileDescriptorProto()
    service_pb2.DESCRIPTOR.CopyToProto(theirs)
    open_inference_pb2.DESCRIPTOR.CopyToProto(ours)
    known = {message.name: shape(message) for message in theirs.message_type}
    assert len(ours.message_type) == 20
    for message in ours.message_type:
        for name, found in shape(message).items():
            if (message.name, name) not in KSERVES:
                assert known[message.name][name] == found, (message.name, name)


def test_every_call_is_the_clients_own() -> None:
    theirs = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    ours = open_inference_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    assert len(ours.methods) == 9
    for method in ours.methods:
        found = theirs.methods_by_name[method.name]
        assert found.input_type.full_name == method.input_type.full_name
        assert found.output_type.full_name == method.output_type.full_name
