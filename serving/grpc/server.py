"""The gRPC server: the Open Inference Protocol and a typed service a model.

Calls are resolved as they come, so that a model promoted while the server runs
is called by its new signature. Health checking and reflection are there, and open.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlencode

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2_grpc

from errors import Overloaded
from serving import in_flight
from serving.actions import DESCRIBE
from serving.contributions import ASKED, OF
from serving.exchange import Answer, Exchange, Route
from serving.grpc import codes
from serving.grpc.codes import verdict
from serving.grpc.inference_service import OpenInference
from serving.grpc.reflection import Reflection
from serving.grpc.typed_services import TypedServices
from serving.model_folder import ModelFolder
from serving.protocols.oip.repository import Repository
from serving.refusals import CallUnknown, DeadlinePassed
from serving.service import PredictionService

# Open at once; beyond it RESOURCE_EXHAUSTED.
MAX_CALLS = 1000

# What the service reads of a call's metadata; any other is the caller's own.
_SWITCHES = frozenset({"partial", "strict", ASKED, OF})
_READ = frozenset(
    {"authorization", "traceparent", "tracestate", "x-api-key", "x-inference-id", "x-request-id"}
)


class Calls(grpc.GenericRpcHandler):
    """Answers every call that is not health checking or reflection."""

    def __init__(self, service: PredictionService, repository: Repository) -> None:
        self._service = service
        admin = partial(service.check_key, scope="admin")
        self._inference = OpenInference(service.champions, repository, admin)
        self._typed = TypedServices(service.champions)

    def service(
        self, details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        """Return what answers a call, or None when there is no such call."""
        route = self._inference.find(details.method) or self._typed.find(details.method)
        if route is None:
            return None
        latest = time.monotonic() + in_flight.QUEUE_SECONDS
        return grpc.unary_unary_rpc_method_handler(partial(self._answer, route, latest))

    def _answer(self, route: Route, latest: float, message: bytes, context: Any) -> bytes:
        exchange = _begin(self._service, route, context)
        answer = self._service.serve(exchange, partial(_in_time, message, latest, context))
        _end(exchange, answer, context)
        return answer.body


class UnknownCalls(grpc.GenericRpcHandler):
    """Refuses every call that comes to it, the last of the handlers: such a call is logged too."""

    def __init__(self, service: PredictionService) -> None:
        self._service = service
        # Of its protocol only the refusal is asked for; no name that a caller made up is recorded.
        refusing: Any = codes
        self._route = Route("GRPC", "", DESCRIBE, refusing, in_head=False)

    def service(self, _: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Return what refuses a call, of however many messages."""
        return grpc.stream_stream_rpc_method_handler(self._refuse)

    def _refuse(self, _: Iterator[bytes], context: Any) -> Iterator[bytes]:
        exchange = _begin(self._service, self._route, context)
        answer = self._service.refuse(exchange, CallUnknown("there is no such call"))
        _end(exchange, answer, context)
        yield answer.body


def _begin(service: PredictionService, route: Route, context: Any) -> Exchange:
    metadata = context.invocation_metadata()
    headers = {name.encode(): _bytes(value) for name, value in metadata if name in _READ}
    return service.begin(route, headers, _query(metadata), _client(context.peer()))


def _end(exchange: Exchange, answer: Answer, context: Any) -> None:
    """Send the answer's headers, and the verdict where there is an error."""
    context.set_trailing_metadata(
        tuple((name.decode(), value.decode()) for name, value in answer.headers)
    )
    if exchange.error is not None:
        context.abort(*verdict(exchange.error))


def _query(metadata: Any) -> bytes:
    """Return the switches of a call's metadata as those of a URL are written."""
    found = {name: value for name, value in metadata if name in _SWITCHES}
    return urlencode(found).encode() if found else b""


def _in_time(message: bytes, latest: float, context: Any) -> bytes:
    if time.monotonic() > latest:
        raise Overloaded(in_flight.NO_TURN)
    remaining = context.time_remaining()
    if remaining is not None and remaining <= 0:
        raise DeadlinePassed("the deadline passed before an answer")
    return message


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8")


def _client(peer: str) -> str:
    """Return the address in a peer such as ipv4:10.0.0.1:5000 or ipv6:[::1]:5000."""
    return peer.partition(":")[2].rpartition(":")[0].strip("[]")


class GrpcServer:
    """The server: the services, health checking and reflection on one port.

    `folder` is where models are loaded from by a call, if they are. `certificate` and
    `key` (PEM) make it speak TLS; without them it does not.
    Raises OSError when the address cannot be had.
    """

    def __init__(
        self,
        service: PredictionService,
        address: str,
        *,
        folder: ModelFolder | None = None,
        threads: int = 4,
        max_calls: int = MAX_CALLS,
        certificate: bytes = b"",
        key: bytes = b"",
    ) -> None:
        self._champions = service.champions
        self._health = health.HealthServicer()
        self._server = grpc.server(
            ThreadPoolExecutor(threads, thread_name_prefix="mirante-grpc"),
            options=_options(service.max_body_bytes),
            # Calls wait for a thread, each for QUEUE_SECONDS at most; idle streams count here too.
            maximum_concurrent_rpcs=max_calls,
        )
        repository = Repository(service.champions, folder)
        self._server.add_generic_rpc_handlers((Calls(service, repository),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._reflection = Reflection(service.champions)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(self._reflection, self._server)
        self._server.add_generic_rpc_handlers((UnknownCalls(service),))
        self.port = _bind(self._server, address, certificate, key)

    def start(self) -> None:
        """Answer from now on."""
        self.update_health()
        self._server.start()

    def update_health(self) -> None:
        """Let health checking answer what is live now."""
        states = health_pb2.HealthCheckResponse
        ready = states.SERVING if self._champions.ready else states.NOT_SERVING
        for service in ("", *self._reflection.services()):
            self._health.set(service, ready)

    def stop(self, grace: float) -> None:
        """Report that it serves no more, and end once the calls under way are answered."""
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
