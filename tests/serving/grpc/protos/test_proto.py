from __future__ import annotations

from serving.grpc.protos.proto import Field, Message, Method, Proto, render

PROTO = Proto(
    "all.proto",
    "a.b",
    "Service",
    (Method("Ask", "Question", "Answer"),),
    (
        Message("Empty"),
        Message(
            "Question",
            (
                Field("double", "x", 1, comment="a number"),
                Field("string", "words", 2, "repeated"),
                Field("bool", "sure", 3, "optional"),
                Field("Inner", "more", 4, "map"),
            ),
            (Message("Inner", (Field("int64", "a", 1), Field("string", "b", 2)), oneof="one"),),
        ),
        Message("Answer", (Field("Empty", "none", 1),), comment="what comes back"),
    ),
    "two\nlines",
)
TEXT = """\
// two
// lines
syntax = "proto3";

package a.b;

service Service {
  rpc Ask(Question) returns (Answer);
}

message Empty {}

message Question {
  message Inner {
    oneof one {
      int64 a = 1;
      string b = 2;
    }
  }
  // a number
  double x = 1;
  repeated string words = 2;
  optional bool sure = 3;
  map<string, Inner> more = 4;
}

// what comes back
message Answer {
  Empty none = 1;
}
"""


def test_the_text_of_a_file_with_everything_in_it() -> None:
    assert render(PROTO) == TEXT


def test_a_service_is_known_by_its_package() -> None:
    assert PROTO.full_service == "a.b.Service"
