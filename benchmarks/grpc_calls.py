"""Makes gRPC's messages, and calls a server with them again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle, islice
from time import perf_counter
from typing import Any

import grpc
import numpy as np

from benchmarks.bodies import Row
from benchmarks.offered_load import at
from benchmarks.server import Request
from benchmarks.wrk import Load
from serving.grpc.generated.open_inference_pb2 import ModelInferRequest
from serving.grpc.protos.descriptors import Messages
from serving.grpc.protos.proto import Proto
from serving.grpc.protos.typed import typed_proto
from tables.schema import Schema

INFER = "/inference.GRPCInferenceService/ModelInfer"
TIMEOUT = 20.0


def infer(model: str, rows: Sequence[Row], *, raw: bool) -> bytes:
    """Return a ModelInferRequest with the numbers of the rows as one tensor [n, d] of doubles."""
    matrix = np.array([list(row.values()) for row in rows], dtype="<f8")
    message = ModelInferRequest(model_name=model)
    tensor = message.inputs.add(name="rows", datatype="FP64", shape=matrix.shape)
    if raw:
        message.raw_input_contents.append(matrix.tobytes())
    else:
        tensor.contents.fp64_contents.extend(matrix.ravel().tolist())
    return bytes(message.SerializeToString())


def typed_path(model: str, schema: Schema) -> str:
    """Return the path of the only call of a model's typed service."""
    proto = typed_proto(model, schema)
    return f"/{proto.full_service}/{proto.methods[0].name}"


def typed(model: str, schema: Schema) -> Callable[[list[Row]], bytes]:
    """Return what writes the only row as the message of a model's typed service."""
    request = _request_class(typed_proto(model, schema))
    return lambda rows: bytes(request(**rows[0]).SerializeToString())


def _request_class(proto: Proto) -> Any:
    return Messages(proto)[proto.methods[0].request]


def ask(port: int, request: Request) -> tuple[int, bytes]:
    """Make one call over a channel of its own; raises ConnectionError when it is not answered."""
    with _channel(port) as channel:
        try:
            return 200, channel.unary_unary(request.path)(request.body, timeout=TIMEOUT)
        except grpc.RpcError as error:
            raise ConnectionError(error.code().name) from None


def load(port: int, path: str, messages: Sequence[bytes], *, seconds: float, calls: int) -> Load:
    """Call with the messages in turn, so many calls at once, over one channel.

    Replies are not parsed, as wrk does not parse them either.
    """
    with _channel(port) as channel, ThreadPoolExecutor(calls) as threads:
        call = channel.unary_unary(path)
        call(messages[0], timeout=TIMEOUT)  # connected before the time begins
        started = perf_counter()
        calling = partial(_call_until, call, messages, started + seconds)
        found = list(threads.map(calling, range(calls)))
        elapsed = perf_counter() - started
    latencies = sorted(latency for each, _ in found for latency in each)
    failed = sum(each for _, each in found)
    slowest = at(latencies, 1)
    return Load(len(latencies), failed, elapsed, at(latencies, 0.5), at(latencies, 0.99), slowest)


def _call_until(
    call: Callable[..., bytes], messages: Sequence[bytes], end: float, first: int
) -> tuple[list[float], int]:
    """Return the latencies in seconds of the calls that were answered, and how many were not."""
    latencies, failed = [], 0
    turn = islice(cycle(messages), first % len(messages), None)
    while (begun := perf_counter()) < end:
        try:
            call(next(turn), timeout=TIMEOUT)
        except grpc.RpcError:
            failed += 1
        else:
            latencies.append(perf_counter() - begun)
    return latencies, failed


def _channel(port: int) -> grpc.Channel:
    """Return a channel that shares no connection with another one of this process."""
    return grpc.insecure_channel(
        f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]
    )
