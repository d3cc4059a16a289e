"""The messages made at run time against those that protoc makes of the very same file."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from serving.grpc.protos.proto import render
from tests.conftest import require
from tests.serving.grpc.protos.test_proto import PROTO

GRPC = "pip install -r requirements-dev.txt"


@pytest.fixture(autouse=True)
def _grpc() -> None:
    require(find_spec("grpc_tools") is not None, "protoc", GRPC)


def test_a_file_is_described_as_protoc_describes_it(tmp_path: Path) -> None:
    from google.protobuf import descriptor_pb2
    from grpc_tools import protoc

    from serving.grpc.protos.descriptors import file_descriptor

    (tmp_path / PROTO.file).write_text(render(PROTO))
    out = tmp_path / "set"
    assert protoc.main(["", f"-I{tmp_path}", f"--descriptor_set_out={out}", PROTO.file]) == 0
    (theirs,) = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    for message in (*theirs.message_type, *(n for m in theirs.message_type for n in m.nested_type)):
        for field in message.field:
            field.ClearField("json_name")  # as the name says, unless the file says otherwise
    assert file_descriptor(PROTO) == theirs


def test_messages_go_over_the_wire_and_back() -> None:
    from serving.grpc.protos.descriptors import Messages

    messages = Messages(PROTO)
    question = messages["Question"](x=0.5, words=["a", "b"], more={"k": {"b": "text"}})
    again = messages["Question"].FromString(question.SerializeToString())
    assert again == question
    assert not again.HasField("sure")
    assert again.more["k"].WhichOneof("one") == "b"


def test_two_files_of_the_same_names_do_not_meet() -> None:
    from serving.grpc.protos.descriptors import Messages

    one, other = Messages(PROTO), Messages(PROTO)
    assert one["Question"] is not other["Question"]
