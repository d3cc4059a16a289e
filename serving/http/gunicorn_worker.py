"""The gunicorn worker: uvicorn as measured, with limits on a request's head, and an orderly stop.

A worker that is told to stop goes on for a moment: each connection gets one more
answer, which says `Connection: close`, and is then closed in two steps (RFC 9112,
9.6), so that no answer is lost to a reset.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import termios
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar

from gunicorn.arbiter import Arbiter
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from serving.http.connections import make_room
from serving.http.framing import HEAD_SECONDS, MAX_HEAD_BYTES
from serving.http.routes.events import STOPPING
from serving.http.strict_http import StrictHttpProtocol

# A stopping worker takes new connections, and one more request on idle ones, for so long.
GRACE_SECONDS = 1
# Less, when nobody is connected: a packet's way there and back.
QUIET_SECONDS = 0.2
# What still arrives after the last answer is read, and ignored, until nothing came for so long,
LINGER_SECONDS = 0.5
# or for so long in all: less than the fifteen seconds that a stop waits.
MOST_LINGER_SECONDS = 10.0
# or so much of it: a body of the largest size, whose client sends all before it reads.
MOST_LINGER_BYTES = 64 * 1024 * 1024


class Lingering(asyncio.Protocol):
    """The second step of a close: reads what the other side still sends, until its end.

    To close at once would answer that with a reset, and a reset makes the other
    side forget an answer which it has not read yet. After LINGER_SECONDS whatever
    was sent only has to be acknowledged. https://www.rfc-editor.org/rfc/rfc9112#section-9.6
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop, most_bytes: int) -> None:
        self._transport = transport
        self._loop = loop
        self._bytes_left = most_bytes
        self._former = transport.get_protocol()
        transport.set_protocol(self)
        if transport.can_write_eof():
            transport.write_eof()
            transport.resume_reading()
        else:
            transport.close()  # TLS itself says that it ends, and reads on
        self._last = loop.time() + MOST_LINGER_SECONDS
        self._has_more = False
        self._timer = loop.call_later(LINGER_SECONDS, self._end)

    def data_received(self, data: bytes) -> None:
        """Ignore what the other side sends."""
        self._has_more = True
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand the end on to the protocol that was here before."""
        self._timer.cancel()
        self._former.connection_lost(exc)

    def _end(self) -> None:
        is_sending = self._has_more and self._loop.time() < self._last
        self._has_more = False
        if is_sending or _unsettled(self._transport, termios.TIOCOUTQ):
            self._timer = self._loop.call_later(LINGER_SECONDS, self._end)
        else:
            self._transport.abort()


def _unsettled(transport: Any, queue: int) -> bool:
    """Say whether a connection's queue in the kernel, TIOCOUTQ or FIONREAD, holds anything."""
    size = ctypes.c_int()
    with contextlib.suppress(OSError, ValueError):  # closed already: nothing
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), queue, size)
    return size.value > 0


class WholeAnswers:
    """A transport in which an answer's head waits for its body: one system call, one packet.

    uvicorn writes the two apart. A head whose body is not there in the same turn
    of the loop, as that of an event stream, leaves at the turn's end. It closes in
    two steps once `lingers` is set.
    """

    lingers = False
    linger_bytes = MOST_LINGER_BYTES

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
        if not self.lingers:
            self._transport.close()
        elif not self.is_closing():
            self.is_closing, self._write = _always, _ignore
            Lingering(self._transport, self._loop, self.linger_bytes)

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._write(head)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _always() -> bool:
    return True


def _ignore(data: bytes) -> None:
    """Write nothing: the connection ends."""


class LimitedHttpProtocol(StrictHttpProtocol):
    """uvicorn's HTTP protocol, which by itself reads a head of any length for any time.

    A head (request line and headers) above MAX_HEAD_BYTES is answered with 431 and
    one that is not complete within HEAD_SECONDS with 408; either closes the connection.
    A connection that says nothing is closed as an idle one is, the sooner where there
    are more than `most_connections`.
    """

    transport: Any
    heard = 0.0
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _last: RequestResponseCycle | None = None

    def __init__(self, *args: Any, most_connections: int = sys.maxsize, **named: Any) -> None:
        super().__init__(*args, **named)
        self._most_connections = most_connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock of an idle connection before its first request too."""
        self.heard = self.loop.time()
        super().connection_made(transport)  # type: ignore[arg-type]
        self._stopping = self.app_state.setdefault(STOPPING, asyncio.Event())
        self.transport = WholeAnswers(self.transport, self.loop)
        if self._stopping.is_set():
            self.shutdown()
        else:
            self._idle.start(self.timeout_keep_alive)
            make_room(self.connections, self._most_connections)  # type: ignore[arg-type]

    @property
    def is_waiting(self) -> bool:
        """Whether it is the client's turn: to ask, to send the rest of a body, or to read."""
        return self.is_unread or self._is_idle or self._awaits_body

    @property
    def _is_idle(self) -> bool:
        return not self.pipeline and self._is_between()

    @property
    def _awaits_body(self) -> bool:
        cycle = self.cycle
        return cycle is not None and cycle.more_body and not cycle.response_started

    def make_way(self) -> None:
        """Close for others; what has begun to ask is told to come again."""
        if self.is_unread:
            self.give_up()
        elif self._is_idle and self._head_timer is None:
            self.timeout_keep_alive_handler()
        else:
            self.refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def shutdown(self) -> None:
        """Close after one more answer, and ask those that have no end to end themselves.

        Their applications find the event in the scope's state; without it a watcher
        of events would hold the worker until its shutdown times out. Whoever asks
        nothing more is let go after GRACE_SECONDS.
        """
        if not self.transport.lingers:
            self._stopping.set()
            self.transport.lingers = True
            self.timeout_keep_alive = GRACE_SECONDS
            self._take_leave()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and measure the head as long as it is not complete."""
        self.heard = self.loop.time()
        super().data_received(data)
        # A cycle is made over the scope once the head is complete.
        if self._refused is not None:
            return
        if self.cycle is None or self.cycle.scope is not self.scope:
            self._measure_head(len(data))
        elif self._head_timer is not None:
            self._stop_head_timer()
        if self.transport.lingers:
            self._take_leave()

    def timeout_keep_alive_handler(self) -> None:
        """Close what was idle for too long, unless a request is there that was not read yet."""
        if _unsettled(self.transport, termios.FIONREAD):
            self._idle.start(self.timeout_keep_alive)
        else:
            self.transport.lingers = True
            super().timeout_keep_alive_handler()

    def _take_leave(self) -> None:
        """Make the next answer the last; where nothing is asked, start the clock."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self._say_close(self.cycle)
        elif self._head_timer is None:
            self._idle.start(self.timeout_keep_alive)

    def _say_close(self, newest: RequestResponseCycle) -> None:
        """Say `Connection: close` on the answer to the newest request, while its head can."""
        said = self._last is not None and self._last.response_started
        if newest is self._last or newest.response_started or said:
            return
        if self._last is not None:
            self._last.keep_alive = True  # it was, and more requests have come since
        self._last = newest if newest.keep_alive else None
        newest.keep_alive = False

    def _measure_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(
                HEAD_SECONDS, self.refuse, HTTPStatus.REQUEST_TIMEOUT
            )

    def _stop_head_timer(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def refuse(self, status: HTTPStatus) -> None:
        """Stop the clock of a head that is not read any more."""
        self._stop_head_timer()
        super().refuse(status)


class OrderlyServer(Server):
    """uvicorn's server, which by itself closes idle connections the moment it is told to stop."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say on every answer that it is the last; only then accept and close no more."""
        self.lifespan.state.setdefault(STOPPING, asyncio.Event()).set()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._serve_newcomers(sockets or [])
        await super().shutdown(sockets)

    async def _serve_newcomers(self, sockets: Sequence[socket.socket]) -> None:
        """Accept for a while: what the kernel took before the stop, or until other workers do."""
        now = asyncio.get_running_loop().time
        end, quiet, answered = now() + GRACE_SECONDS, now() + QUIET_SECONDS, 0
        while not self.force_exit and now() < min(end, quiet):
            await asyncio.sleep(0.05)
            if self.server_state.connections or self.server_state.total_requests > answered:
                quiet, answered = now() + QUIET_SECONDS, self.server_state.total_requests
        while _are_waited_at(sockets) and not self.force_exit and now() < end + GRACE_SECONDS:
            await asyncio.sleep(0)

    async def _wait_tasks_to_complete(self) -> None:
        if self.config.is_ssl:
            await asyncio.sleep(GRACE_SECONDS)  # for handshakes, which are no connections yet
        await super()._wait_tasks_to_complete()


def _are_waited_at(listeners: Sequence[socket.socket]) -> bool:
    """Say whether a connection waits to be accepted."""
    return bool(listeners and select.select(listeners, (), (), 0)[0])


# Drops what opens a connection (SYN without ACK, in a TCP header's byte 13) and lets all else
# through. https://www.kernel.org/doc/html/latest/networking/filter.html
_NO_NEWCOMERS = (
    (0x30, 0, 0, 13),  # load the byte
    (0x54, 0, 0, 0x12),  # of it, SYN and ACK
    (0x15, 0, 1, 0x02),  # if that is SYN alone:
    (0x06, 0, 0, 0),  # keep 0 bytes, else
    (0x06, 0, 0, 0xFFFFFFFF),  # all
)
_SO_ATTACH_FILTER = 26


def turn_newcomers_away(listener: Any) -> None:
    """Let a listening socket, which closes soon, begin no new connection, but end what it began.

    The kernel resets connections that nobody has accepted when the last process
    closes their socket. Whoever comes now asks again after a second, as if a packet
    had been lost, and is then refused, or meets the next service. Without such
    filters (macOS, gVisor) the workers accept to the last moment, nearly.
    """
    if sys.platform != "linux" or listener.family not in (socket.AF_INET, socket.AF_INET6):
        return
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in _NO_NEWCOMERS)
    held = ctypes.create_string_buffer(code)
    program = struct.pack("HP", len(_NO_NEWCOMERS), ctypes.addressof(held))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


class MiranteWorker(UvicornWorker):
    """A gunicorn worker that serves the ASGI lane."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": LimitedHttpProtocol,
        "ws": "none",  # there are no web sockets: an upgrade is an ordinary request
        "lifespan": "on",  # a failure to start is a failure, not something to go on without
        "access_log": False,  # the service samples its own, in JSON
        "server_header": False,  # nobody needs to know what to attack
        # With the grace before it less than gunicorn's graceful_timeout of 20: what still runs
        # then is cancelled in order and not killed.
        "timeout_graceful_shutdown": 15,
    }

    @staticmethod
    def prepare_stop(arbiter: Any) -> None:
        """Make a master turn newcomers away before it stops, if its sockets end with it.

        They do not where systemd owns them, or another master shares them (USR2).
        """
        stop = arbiter.stop

        def stop_in_order(graceful: bool = True) -> None:
            if graceful and not arbiter.systemd and arbiter.reexec_pid == arbiter.master_pid == 0:
                for listener in arbiter.LISTENERS:
                    turn_newcomers_away(listener)
            stop(graceful)

        arbiter.stop = stop_in_order

    async def _serve(self) -> None:
        """Serve until a signal; SIGQUIT, which the master sends to hurry, counts as a Ctrl-C.

        The first of these asks, the second insists. A second SIGTERM does not: a
        platform may signal every process, and then the master signals its own.
        """
        self.config.app = self.wsgi
        most = self.cfg.worker_connections
        self.config.http = partial(LimitedHttpProtocol, most_connections=most)
        server = OrderlyServer(self.config)
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGQUIT, server.handle_exit, signal.SIGINT, None
        )
        # Not gunicorn's wrappers of them, which close a descriptor that uvloop has closed already.
        await server.serve([listener.sock for listener in self.sockets])
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    async def callback_notify(self) -> None:
        """Tell the master that this worker lives; without a master, stop.

        gunicorn's own workers look for their master, uvicorn's does not: after a
        SIGKILL of the master it would hold the port for ever.
        """
        self.notify()
        if os.getppid() != self.ppid:
            os.kill(os.getpid(), signal.SIGTERM)
