from __future__ import annotations

import pytest

from errors import ParseError
from serving.grpc.generated.open_inference_pb2 import ModelReadyRequest
from serving.grpc.parsing import parse


def test_bytes_are_parsed_as_the_message_or_refused_with_its_name() -> None:
    sent = ModelReadyRequest(name="iris")
    assert parse(ModelReadyRequest, sent.SerializeToString()) == sent
    with pytest.raises(ParseError, match=r"^the body is no inference.ModelReadyRequest$"):
        parse(ModelReadyRequest, b"\xff\xff")
