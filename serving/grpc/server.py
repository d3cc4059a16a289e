"""gRPC: the Open Inference Protocol and a typed service a model, from one predictor.

Calls are resolved as they come, so that a model promoted while the server runs
is called by its new signature. Health checking and reflection are there, and open.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2_grpc

import errors
from errors import MiranteError, ParseError
from serving import refusals
from serving.champions import Champions, Live, Prediction
from serving.grpc.inference_service import OpenInference
from serving.grpc.reflection import Reflection
from serving.grpc.typed_services import TypedServices
from serving.observation import Observation
from serving.problems import explain, headers_of, status_of
from serving.refusals import BodyTooLarge
from serving.request_ids import RequestIds
from serving.service import Guard
from tables.batch import Batch
from tables.rows import Decoded

log = logging.getLogger("mirante.grpc")

# The one table at this rim. The most particular class wins.
CODES: dict[type[MiranteError], grpc.StatusCode] = {
    errors.MiranteError: grpc.StatusCode.INTERNAL,
    errors.DependencyError: grpc.StatusCode.UNIMPLEMENTED,
    errors.RowsError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.ParseError: grpc.StatusCode.INVALID_ARGUMENT,
    refusals.RequestError: grpc.StatusCode.INVALID_ARGUMENT,
    refusals.BodyTooLarge: grpc.StatusCode.RESOURCE_EXHAUSTED,
    refusals.BodyTimeout: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.AccessError: grpc.StatusCode.PERMISSION_DENIED,
    refusals.KeyRejected: grpc.StatusCode.UNAUTHENTICATED,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.Conflict: grpc.StatusCode.ABORTED,
    errors.Overloaded: grpc.StatusCode.UNAVAILABLE,
    refusals.RateLimited: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.ModelNotReady: grpc.StatusCode.UNAVAILABLE,
    errors.StoreUnavailable: grpc.StatusCode.UNAVAILABLE,
}
OURS = "the service failed; its log has the cause under this request id"


class Call(NamedTuple):
    """A call that is resolved: the class of its request, and what answers it.

    `answer` is given the message and `predict`, which it calls at most once.
    """

    request: Any
    answer: Callable[[Any, Callable[[Live, Decoded], Prediction]], Any]


class Limits(NamedTuple):
    """What is taken: bytes a message, rows a call, calls at once."""

    message_bytes: int
    rows: int
    in_flight: int


class Refused(Exception):
    """An error on its way to the client: code and text."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Services(grpc.GenericRpcHandler):
    """Answers every call that is not health checking or reflection."""

    def __init__(
        self,
        champions: Champions,
        *,
        guard: Guard | None,
        observation: Observation,
        max_rows: int,
    ) -> None:
        self._typed = TypedServices(champions)
        self._inference = OpenInference(champions)
        self._guard = guard
        self._observation = observation
        self._max_rows = max_rows
        self._ids = RequestIds()

    def service(
        self, details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        """Return what answers a call, or None when there is no such call."""
        call = self._inference.find(details.method) or self._typed.find(details.method)
        if call is None:
            return None
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._handle(details.method, Call(*call), request, context)
        )

    def _handle(self, route: str, call: Call, body: bytes, context: Any) -> bytes:
        started = time.perf_counter()
        metadata = {name: _bytes(value) for name, value in context.invocation_metadata()}
        request_id = self._ids.of(metadata.get("x-request-id"))
        record = _Record(self._max_rows)
        trailing: list[tuple[str, str]] = [("x-request-id", request_id)]
        status = 200
        try:
            self._check(metadata, context)
            reply: bytes = call.answer(
                _parsed(call.request, body), record.predict
            ).SerializeToString()
            return reply
        except MiranteError as error:
            status = int(status_of(error))
            trailing += [(k.decode(), v.decode()) for k, v in headers_of(error)]
            code, text = code_of(error), explain(error)
        except Refused as error:
            status, code, text = 504, error.code, error.text
        except Exception:
            log.exception("call failed", extra={"request_id": request_id})
            status, code, text = 500, grpc.StatusCode.INTERNAL, OURS
        finally:
            context.set_trailing_metadata(tuple(trailing))
            self._record(request_id, route, status, started, record)
        context.abort(code, text)
        raise AssertionError("abort does not return")

    def _check(self, metadata: Mapping[str, bytes], context: Any) -> None:
        remaining = context.time_remaining()
        if remaining is not None and remaining <= 0:
            raise Refused(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed before an answer")
        if self._guard is not None:
            headers = tuple((name.encode(), value) for name, value in metadata.items())
            self._guard.check_prediction(headers, None, _client(context.peer()))

    def _record(
        self, request_id: str, route: str, status: int, started: float, record: _Record
    ) -> None:
        self._observation.record(
            request_id=request_id,
            method="GRPC",
            route=route,
            status=status,
            seconds=time.perf_counter() - started,
            rows=record.rows,
            model=record.live.name if record.live else "",
            version=record.live.version if record.live else "",
        )


class _Record:
    """Predicts, and remembers what for."""

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self.live: Live | None = None
        self.rows = 0

    def predict(self, live: Live, decoded: Decoded) -> Prediction:
        """Return the prediction for decoded rows. Raises BodyTooLarge for too many."""
        batch: Batch = decoded.batch
        self.live, self.rows = live, len(batch.matrix)
        if self.rows > self._max_rows:
            raise BodyTooLarge(f"{self.rows} rows; at most {self._max_rows} are taken at once")
        return live.predict(batch)


def code_of(error: MiranteError) -> grpc.StatusCode:
    """Return the code of an error, by the nearest class of its family in the table."""
    return next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)


def _parsed(kind: Any, body: bytes) -> Any:
    try:
        return kind.FromString(body)
    except DecodeError:
        raise ParseError(f"the body is no {kind.DESCRIPTOR.full_name}") from None


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8")


def _client(peer: str) -> str:
    """Return the address in a peer such as ipv4:10.0.0.1:5000 or ipv6:[::1]:5000."""
    return peer.partition(":")[2].rpartition(":")[0].strip("[]")


class GrpcServer:
    """The server: the services, health checking and reflection on one port.

    `certificate` and `key` (PEM) make it speak TLS; without them it does not.
    Raises OSError when the address cannot be had.
    """

    def __init__(
        self,
        champions: Champions,
        address: str,
        *,
        limits: Limits,
        guard: Guard | None,
        observation: Observation,
        threads: int = 4,
        certificate: bytes = b"",
        key: bytes = b"",
    ) -> None:
        self._predictor = champions
        self._health = health.HealthServicer()
        self._server = grpc.server(
            ThreadPoolExecutor(threads, thread_name_prefix="mirante-grpc"),
            options=_options(limits.message_bytes),
            maximum_concurrent_rpcs=limits.in_flight,
        )
        services = Services(champions, guard=guard, observation=observation, max_rows=limits.rows)
        self._server.add_generic_rpc_handlers((services,))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._reflection = Reflection(champions)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(self._reflection, self._server)
        self.port = _bind(self._server, address, certificate, key)

    def start(self) -> None:
        """Answer from now on."""
        self.tell_health()
        self._server.start()

    def tell_health(self) -> None:
        """Bring what health checking says up to what the predictor says."""
        states = health_pb2.HealthCheckResponse
        ready = states.SERVING if self._predictor.ready else states.NOT_SERVING
        for service in ("", *self._reflection.services()):
            self._health.set(service, ready)

    def stop(self, grace: float) -> None:
        """Say that it serves no more, and end once the calls under way are answered."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace).wait()


def _options(message_bytes: int) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", message_bytes),
        ("grpc.max_send_message_length", -1),
        # Two servers on one port would each get some of the calls.
        ("grpc.so_reuseport", 0),
    ]


def _bind(server: grpc.Server, address: str, certificate: bytes, key: bytes) -> int:
    try:
        if certificate:
            credentials = grpc.ssl_server_credentials([(key, certificate)])
            port = server.add_secure_port(address, credentials)
        else:
            port = server.add_insecure_port(address)
    except RuntimeError:
        port = 0
    if not port:
        raise OSError(f"cannot listen on {address}")
    return int(port)
