"""The gunicorn worker: uvicorn as measured, and with limits on the head of a request."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn_worker import UvicornWorker

from serving.http.routes.events import STOPPING
from serving.problems import problem

# gunicorn's own limits (100 fields of 8 kB) do not reach uvicorn; no client sends half of this.
MAX_HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 30.0


class WholeAnswers:
    """A transport in which an answer's head waits for its body: one system call, one packet.

    uvicorn writes the two apart. A head whose body is not there in the same turn
    of the loop, as that of an event stream, leaves at the turn's end.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""
        self._write = transport.write
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Write, with the head that waits, or let this one wait if it is a head."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 ") and data.endswith(b"\r\n\r\n"):
            self._head = data
            self._loop.call_soon(self._flush)
            return
        self._write(data)

    def close(self) -> None:
        """Close, after what waits has been written."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._write(head)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class LimitedHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which by itself reads a head of any length for any time.

    A head (request line and headers) above MAX_HEAD_BYTES is answered with 431 and
    one that is not complete within HEAD_SECONDS with 408; either closes the connection.
    A connection that says nothing is closed as an idle one is.
    """

    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock of an idle connection before its first request too."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._stopping = self.app_state.setdefault(STOPPING, asyncio.Event())
        self.transport = WholeAnswers(self.transport, self.loop)  # type: ignore[assignment]
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def shutdown(self) -> None:
        """Close as soon as the answers are out, and ask those that have no end to end themselves.

        Their applications find the event in the scope's state; without it a watcher
        of events would hold the worker until its shutdown times out.
        """
        super().shutdown()
        self._stopping.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and measure the head as long as it is not complete."""
        super().data_received(data)
        # uvicorn makes a cycle over the scope once the head is complete.
        if self.cycle is not None and self.cycle.scope is self.scope:
            if self._head_timer is not None:
                self._stop_head_timer()
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(
                HEAD_SECONDS, self._refuse, HTTPStatus.REQUEST_TIMEOUT
            )

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP with a problem document, as every other error."""
        self._refuse(HTTPStatus.BAD_REQUEST)

    def _stop_head_timer(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: HTTPStatus) -> None:
        self._stop_head_timer()
        if self.transport.is_closing():
            return
        # An answer to an earlier request of this connection may still be on its way: no second one.
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_refusal(status))
        self.transport.close()


def _refusal(status: HTTPStatus) -> bytes:
    details = {
        HTTPStatus.BAD_REQUEST: "not an HTTP request",
        HTTPStatus.REQUEST_TIMEOUT: f"no complete request head within {HEAD_SECONDS:g} s",
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"a head above {MAX_HEAD_BYTES} bytes",
    }
    request_id = secrets.token_hex(16)
    answer = problem(status, details[status], request_id)
    head = (
        f"content-type: {answer.content_type.decode()}\r\ncontent-length: {len(answer.body)}\r\n"
        f"x-request-id: {request_id}\r\nconnection: close\r\n\r\n"
    )
    return STATUS_LINE[status] + head.encode() + answer.body


class MiranteWorker(UvicornWorker):
    """A gunicorn worker that serves the ASGI lane."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": LimitedHttpProtocol,
        "ws": "none",  # there are no web sockets: an upgrade is an ordinary request
        "lifespan": "on",  # a failure to start is a failure, not something to go on without
        "access_log": False,  # the service samples its own, in JSON
        "server_header": False,  # nobody needs to know what to attack
        # Less than gunicorn's graceful_timeout of 20: what still runs then, such as a watcher of
        # events, is cancelled in order and not killed.
        "timeout_graceful_shutdown": 15,
    }

    async def callback_notify(self) -> None:
        """Tell the master that this worker lives; without a master, stop.

        gunicorn's own workers look for their master, uvicorn's does not: after a
        SIGKILL of the master it would hold the port for ever.
        """
        self.notify()
        if os.getppid() != self.ppid:
            os.kill(os.getpid(), signal.SIGTERM)
