from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
import pytest

from benchmarks.grpc_calls import INFER, ask, infer, load, typed, typed_path
from benchmarks.server import Request
from serving.grpc.generated.open_inference_pb2 import ModelInferRequest
from serving.grpc.inference_service import _inputs
from serving.grpc.protos.descriptors import Messages
from serving.grpc.protos.typed import typed_proto
from tables.schema import Feature, Schema, Target

ROWS = [{"length": 5.5, "width": 1}, {"length": 4.25, "width": 2}]
SIGNATURE = Schema(
    features=(Feature("length", "number"), Feature("width", "number")),
    target=Target(name="species", classes=("a", "b")),
)


class _Says(grpc.GenericRpcHandler):
    """Answers with the message it was given; `bad` it refuses."""

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_unary_rpc_method_handler(self.answer)

    def answer(self, message: bytes, context: Any) -> bytes:
        if message == b"bad":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "bad")
        return message


@pytest.fixture
def port() -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(2), handlers=[_Says()])
    chosen = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield chosen
    server.stop(None).wait()


@pytest.mark.parametrize("raw", [True, False])
def test_the_service_reads_the_rows_out_of_the_tensor(raw: bool) -> None:
    request = ModelInferRequest.FromString(infer("iris", ROWS, raw=raw))
    assert (request.model_name, len(request.raw_input_contents)) == ("iris", int(raw))
    (tensor,) = _inputs(request)
    assert list(tensor.shape) == [2, 2]
    assert np.asarray(tensor.data).ravel().tolist() == [5.5, 1, 4.25, 2]


def test_the_typed_message_has_a_field_a_feature() -> None:
    proto = typed_proto("iris", SIGNATURE)
    request = Messages(proto)[proto.methods[0].request]
    assert typed_path("iris", SIGNATURE) == "/ml.IrisPredictor/PredictIrisSpecies"
    assert request.FromString(typed("iris", SIGNATURE)(ROWS[:1])) == request(length=5.5, width=1)


def test_a_call_answers_like_a_request_and_a_refused_one_is_no_connection(port: int) -> None:
    assert ask(port, Request(INFER, b"hello", {})) == (200, b"hello")
    with pytest.raises(ConnectionError, match="INVALID_ARGUMENT"):
        ask(port, Request(INFER, b"bad", {}))


def test_answered_and_refused_calls_are_counted_apart(port: int) -> None:
    seen = load(port, INFER, [b"good", b"bad"], seconds=0.2, calls=2)
    assert seen.answered > 1
    assert abs(seen.answered - seen.failed) <= 2
    assert 0 < seen.p50 <= seen.p99 <= seen.slowest < seen.seconds
    assert seen.seconds >= 0.2
