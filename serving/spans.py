"""The spans of requests: OpenTelemetry's, by its semantic conventions for HTTP and RPC.

A span is made when its request has been answered, from times that were noted: nothing of
OpenTelemetry runs while a request is computed. opentelemetry.io/docs/specs/semconv has the names.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from itertools import pairwise

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
)
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
    set_span_in_context,
)

from serving.recorded import Recorded
from serving.trace_context import TraceContext

SERVICE = "mirante"
GRPC = "GRPC"
# How the statuses of a gRPC call's errors are called; serving/grpc/codes.py has the codes.
RPC_CODES = {
    200: "OK",
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "RESOURCE_EXHAUSTED",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
# Of a gRPC server: these are its own faults, the others its callers'.
RPC_FAULTS = frozenset({"DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "UNIMPLEMENTED"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})

Attributes = dict[str, str | int]


class Spans:
    """Makes and sends the spans of a process."""

    def __init__(self, *, otlp: bool, console: bool) -> None:
        self._provider = TracerProvider(resource=_resource())
        self._exporter = OTLPSpanExporter() if otlp else None
        if self._exporter is not None:
            self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        if console:
            self._provider.add_span_processor(
                SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stdout))
            )
        self._tracer: Tracer = self._provider.get_tracer(SERVICE)

    def stop(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    def abandon(self) -> None:
        """Try no more to send."""
        if self._exporter is not None:
            self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def record(self, recorded: Recorded) -> TraceContext:
        """Make the span of a request, and one for each of its stations; return its own context."""
        end, now = time.time_ns(), time.perf_counter()
        began = recorded.marks[0][1] if recorded.marks else now - recorded.seconds
        is_call = recorded.method == GRPC
        span = self._tracer.start_span(
            recorded.route.removeprefix("/") or "grpc" if is_call else _name(recorded),
            context=_parent(recorded.trace),
            kind=SpanKind.SERVER,
            start_time=end - round((now - began) * 1e9),
            attributes=_call(recorded) if is_call else _request(recorded),
        )
        if span.is_recording():
            self._stations(span, recorded.marks, end - round(now * 1e9))
            error = _call_fault(recorded) if is_call else _fault(recorded)
            if error:
                span.set_attribute("error.type", error)
                span.set_status(StatusCode.ERROR)
        span.end(end)
        return _context(span)

    def _stations(self, span: Span, marks: Sequence[tuple[str, float]], zero: int) -> None:
        """Make the child spans; `zero` is when the clock of the marks was 0."""
        inside = set_span_in_context(span)
        for (_, start), (name, stop) in pairwise(marks):
            child = self._tracer.start_span(
                name, context=inside, start_time=zero + round(start * 1e9)
            )
            child.end(zero + round(stop * 1e9))


def _resource() -> Resource:
    resource = Resource.create()
    named = str(resource.attributes.get(SERVICE_NAME, ""))
    if named.startswith("unknown_service"):
        return resource.merge(Resource({SERVICE_NAME: SERVICE}))
    return resource


def _parent(trace: TraceContext | None) -> Context:
    """Return the context of a span whose parent is the caller's, or that begins a trace."""
    if trace is None:
        return Context()
    parent = SpanContext(
        int(trace.trace_id, 16),
        int(trace.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(trace.flags, 16)),
        trace_state=TraceState.from_header([trace.state]) if trace.state else TraceState(),
    )
    return set_span_in_context(NonRecordingSpan(parent), Context())


def _context(span: Span) -> TraceContext:
    own = span.get_span_context()
    return TraceContext(f"{own.trace_id:032x}", f"{own.span_id:016x}", f"{own.trace_flags:02x}")


def _name(recorded: Recorded) -> str:
    method = recorded.method if recorded.method in METHODS else "HTTP"
    return f"{method} {recorded.route}" if recorded.route else method


def _request(recorded: Recorded) -> Attributes:
    """Return an HTTP request's attributes; its path may have a key, and only its route is told."""
    method = recorded.method if recorded.method in METHODS else "_OTHER"
    found: Attributes = {
        "http.request.method": method,
        "http.response.status_code": recorded.status,
    }
    if recorded.route:
        found["http.route"] = recorded.route
    host = recorded.headers.get(b"host")
    if host:
        found["server.address"] = host.decode("latin-1")
    agent = recorded.headers.get(b"user-agent")
    if agent:
        found["user_agent.original"] = agent.decode("latin-1")
    return found | _shared(recorded)


def _fault(recorded: Recorded) -> str:
    return str(recorded.status) if recorded.status >= 500 else ""


def _call(recorded: Recorded) -> Attributes:
    """Return a gRPC call's attributes."""
    return {
        "rpc.system.name": "grpc",
        "rpc.method": recorded.route.removeprefix("/") or "_OTHER",
        "rpc.response.status_code": RPC_CODES.get(recorded.status, "UNKNOWN"),
    } | _shared(recorded)


def _call_fault(recorded: Recorded) -> str:
    code = RPC_CODES.get(recorded.status, "UNKNOWN")
    return code if code in RPC_FAULTS else ""


def _shared(recorded: Recorded) -> Attributes:
    found: Attributes = {"mirante.request_id": recorded.request_id}
    if recorded.client:
        found["client.address"] = recorded.client
    if recorded.model:
        found["mirante.model"] = recorded.model
        found["mirante.version"] = recorded.version
        found["mirante.rows"] = recorded.rows
    return found
