"""uvicorn's HTTP/1.1 over httptools, made strict: framing, trailers, upgrades, unread answers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from functools import lru_cache
from http import HTTPStatus
from operator import itemgetter
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from serving.http.framing import (
    BAD_REQUEST,
    MAX_FIELDS,
    TOO_LONG,
    Head,
    HeadRefused,
    refusal,
)
from serving.http.idle_timer import IdleTimer

# An answer of which nothing is read for so long is given up with its connection.
UNREAD_SECONDS = 30.0
# What all connections of a worker have not read yet; beyond it the largest is given up.
MAX_UNREAD_BYTES = 32 * 1024 * 1024
# What is still read after a refusal; of trailers without end nothing is.
REFUSED_BYTES = 256 * 1024
# Of the trailers of one body, and of the extensions of one chunk; hardly a client sends any.
MAX_TRAILER_BYTES = 16 * 1024
MAX_TRAILERS = 32

_CLOSE = re.compile(rb"(?:^|,)\s*close\s*(?:$|,)", re.IGNORECASE)
_OF_CONNECTION = frozenset({b"connection", b"date", b"transfer-encoding"})
_WITHOUT_BODY = frozenset({*range(100, 200), 204, 304})
# The bytes that uvicorn refuses in a field's value; in a name it refuses more.
_UNSAFE = bytes(byte for byte in range(256) if HEADER_VALUE_RE.match(bytes([byte])))


class Cycle(RequestResponseCycle):
    """One request and its answer; also for HTTP/1.0, which knows no chunks."""

    transport: Any
    _ends_with_connection = False
    # The head of an answer of known length, which waits for its body.
    _start: Any = None

    async def send(self, message: Any) -> None:
        """Send a part of the answer; one that is whole goes out at once."""
        start, self._start = self._start, None
        if start is not None and message["type"] == "http.response.body":
            if not message.get("more_body") and self._send_whole(start, message.get("body", b"")):
                return
            await self._send(start)
        elif not self.response_started and _has_length(message):
            self._start = message
            return
        await self._send(message)

    def _send_whole(self, start: Any, body: bytes) -> bool:
        """Write head and body in one, if nothing is unusual about them; else return False.

        uvicorn's own way looks at every field several times, and then at the body.
        """
        fields = dict(start["headers"])
        parts: list[bytes] = []
        for name, value in (*self.default_headers, *fields.items()):
            parts += name, b": ", value, b"\r\n"
        head = b"".join(parts)
        if (
            self._is_unusual(start["status"])
            or fields[b"content-length"] != b"%d" % len(body)
            or len(fields) < len(start["headers"])
            or not fields.keys().isdisjoint(_OF_CONNECTION)
            or not _are_names(b"".join(fields))
            or len(head) - len(head.translate(None, _UNSAFE)) > len(parts) // 2
        ):
            return False
        self.response_started = self.response_complete = True
        self.transport.write(b"".join((STATUS_LINE[start["status"]], head, b"\r\n", body)))
        self.message_event.set()
        self.on_response()
        return True

    def _is_unusual(self, status: int) -> bool:
        """Whether an answer has no body, is the last of its connection, or is not read."""
        return (
            not self.keep_alive
            or self.more_body
            or self.disconnected
            or self.flow.write_paused
            or status in _WITHOUT_BODY
            or self.scope["method"] == "HEAD"
            or self.scope["http_version"] != "1.1"
        )

    def _send(self, message: Any) -> Coroutine[Any, Any, None]:
        if not self.response_started:
            if self.more_body:
                # What follows is the rest of a body that nobody reads. It is ignored for a while,
                # since the reset of a plain close would make the client forget this answer.
                self.keep_alive, self.transport.lingers = False, True
            self._complete(message)
        elif self._ends_with_connection:
            self.expected_content_length = len(message.get("body", b""))
        return super().send(message)

    def _complete(self, message: Any) -> None:
        headers = message.get("headers", ())
        names = {name.lower() for name, _ in headers}
        if b"date" in names:  # the server's own stands in every answer
            message["headers"] = [pair for pair in headers if pair[0].lower() != b"date"]
        if self.scope["http_version"] == "1.0":
            self._complete_old(message, b"content-length" in names)

    def _complete_old(self, message: Any, has_length: bool) -> None:
        if not has_length:
            self._ends_with_connection, self.keep_alive = True, False
            self.chunked_encoding = False
        elif self.keep_alive:
            message["headers"] = [*message["headers"], (b"connection", b"keep-alive")]


class StrictHttpProtocol(HttpToolsProtocol):
    """A connection on which no byte is read as anything other than what it is.

    Heads are bounded by size and number of fields in however many packets they come;
    trailers are bounded and dropped; an upgrade is ignored (RFC 9110, 7.8), so that
    what follows it is the request's body; what is refused is answered in its turn.
    """

    transport: Any
    _running: RequestResponseCycle | None = None
    _refused: HTTPStatus | None = None
    _is_resuming = False
    _framing_bytes = 0
    _had_body = False
    _in_head = True
    _trailers = _trailer_bytes = 0
    _unread_timer: asyncio.TimerHandle | None = None
    _unread_bytes = 0

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._idle = IdleTimer(self.loop, self.timeout_keep_alive_handler)

    def data_received(self, data: bytes) -> None:
        """Parse; after a refusal ignore whatever comes."""
        self._idle.stop()
        if self._refused is not None:
            return
        self._had_body = False
        try:
            self._feed(data)
            cycle = self.cycle
            if cycle is not None and cycle.more_body and not self._had_body:
                self._measure_framing(len(data))
            else:
                self._framing_bytes = 0
        except HeadRefused as error:
            self.refuse(error.status)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self.refuse(cause.status if isinstance(cause, HeadRefused) else BAD_REQUEST)

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                self._ignore_upgrade()

    def _ignore_upgrade(self) -> None:
        """Go on with the body of a head that asks for an upgrade: the parser takes it for none."""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._is_resuming = True
        # Its callbacks are ignored until the body.
        self.parser.feed_data(b"POST / HTTP/1.1\r\nhost: a\r\n" + self._head.framing + b"\r\n")
        self._is_resuming = False

    def _measure_framing(self, size: int) -> None:
        """Bound the trailers, and the extensions of one chunk."""
        is_newest = self.cycle.scope is self.scope
        self._framing_bytes = self._framing_bytes + size if is_newest else 0
        if self._framing_bytes > MAX_TRAILER_BYTES:
            raise HeadRefused(TOO_LONG)

    def on_message_begin(self) -> None:
        """Begin a head."""
        if not self._is_resuming:
            super().on_message_begin()
            self._in_head = True

    def on_url(self, url: bytes) -> None:
        """Take a part of the request's target."""
        if not self._is_resuming:
            self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; one of the trailer is counted and dropped."""
        if self._is_resuming:
            return
        if not self._in_head:
            self._count_trailer(len(name) + len(value) + 4)
        elif len(self.headers) > MAX_FIELDS:  # the whole head is looked at once it is there
            raise HeadRefused(TOO_LONG)
        else:
            self.headers.append((name.lower(), value))

    def _count_trailer(self, size: int) -> None:
        self._trailers += 1
        self._trailer_bytes += size
        if self._trailers > MAX_TRAILERS or self._trailer_bytes > MAX_TRAILER_BYTES:
            raise HeadRefused(TOO_LONG)

    def on_headers_complete(self) -> None:
        """Begin a request, or let it wait for the answers before it."""
        if self._is_resuming:
            return
        self._in_head = False
        self._trailers = self._trailer_bytes = 0
        version, method = self.parser.get_http_version(), self.parser.get_method()
        self._head = Head(self.url, self.headers)
        self._head.check(method, version)
        self._complete_scope(method, version)
        self.cycle = self._begin(version)
        # An answer that is not read yet is as one under way.
        running = self._running
        is_between = running is None or running.response_complete
        if self.flow.write_paused or self.pipeline or not is_between:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
        else:
            self._start_asgi_task(self.cycle, self.app)

    def _complete_scope(self, method: bytes, version: str) -> None:
        target = httptools.parse_url(self.url)
        raw_path = target.path or b"/"
        if raw_path == b"*" and method != b"OPTIONS":  # RFC 9112, 3.2.4
            raise HeadRefused(BAD_REQUEST)
        path = raw_path.decode("ascii")
        scope: Any = self.scope
        scope["method"] = method.decode("ascii")
        scope["http_version"] = version
        scope["path"] = self.root_path + (unquote(path) if "%" in path else path)
        scope["raw_path"] = self.root_path.encode("ascii") + raw_path
        scope["query_string"] = target.query or b""

    def _begin(self, version: str) -> Cycle:
        return Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self._head.waits_for_100 and version == "1.1",
            keep_alive=self._keeps_alive(),
            on_response=self.on_response_complete,
        )

    def _keeps_alive(self) -> bool:
        if not self.parser.should_upgrade():
            return bool(self.parser.should_keep_alive())
        return not any(
            name == b"connection" and _CLOSE.search(value) for name, value in self.headers
        )

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._had_body = True
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        """End the body, unless it is that of an upgrade, which has not begun."""
        if not self.parser.should_upgrade() and self.cycle is not None:
            self.cycle.more_body = False
            self.cycle.message_event.set()

    def refuse(self, status: HTTPStatus) -> None:
        """Answer with a status alone, after the answers before, and read no more."""
        self._refused = status
        cycle: Any = self.cycle
        if cycle is not None and cycle.scope is self.scope and not cycle.response_complete:
            self._give_up(cycle)
        elif self._is_between() and not self.pipeline:
            self._end_with_refusal()

    def _give_up(self, cycle: Any) -> None:
        """Give a request up whose body is broken."""
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
            cycle.response_complete = True
            return
        cycle.keep_alive = False
        if not cycle.response_started:
            cycle.disconnected = True
            cycle.message_event.set()
            self._end_with_refusal()

    def _end_with_refusal(self) -> None:
        if self._refused is not None and not self.transport.is_closing():
            self.transport.write(refusal(self._refused))
            # More of what is refused may be on its way: it is ignored, but not without end.
            is_endless = self._refused == TOO_LONG and not self._in_head
            self.transport.linger_bytes = 0 if is_endless else REFUSED_BYTES
            self.transport.lingers = True
            self.transport.close()

    def on_response_complete(self) -> None:
        """Begin the next request, once this answer is on its way."""
        self.server_state.total_requests += 1
        if self.pipeline:
            if not (self.flow.write_paused or self.transport.is_closing()):
                self.flow.resume_reading()
                self._start_asgi_task(*self.pipeline.pop())
            return  # resume_writing goes on
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self._idle.start(self.timeout_keep_alive)
        if self._refused is not None:
            self._end_with_refusal()

    def _unset_keepalive_if_required(self) -> None:
        self._idle.stop()

    def pause_writing(self) -> None:
        """Start the clock of an answer that is not read, and bound those of all connections."""
        super().pause_writing()
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._watch_unread()
        slow = [c for c in self.connections if isinstance(c, StrictHttpProtocol) and c.is_unread]
        sizes = {c: c.transport.get_write_buffer_size() for c in slow}
        if sum(sizes.values()) > MAX_UNREAD_BYTES:
            max(sizes, key=sizes.__getitem__).give_up()

    def _watch_unread(self) -> None:
        self._stop_unread_timer()
        self._unread_timer = self.loop.call_later(UNREAD_SECONDS, self._look_at_unread)

    def _look_at_unread(self) -> None:
        size = self.transport.get_write_buffer_size()
        if size < self._unread_bytes:
            self._unread_bytes = size
            self._watch_unread()
        else:
            self.give_up()

    @property
    def is_unread(self) -> bool:
        """Whether more of an answer waits to be read than a connection should hold."""
        return self._unread_timer is not None

    def give_up(self) -> None:
        """End a connection whose answers are not read."""
        self._stop_unread_timer()
        self.transport.abort()

    def _stop_unread_timer(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def resume_writing(self) -> None:
        """Go on: with this answer, or with the request that waited for its end."""
        self._stop_unread_timer()
        super().resume_writing()
        if self.pipeline and not self.transport.is_closing() and self._is_between():
            self._start_asgi_task(*self.pipeline.pop())

    def _is_between(self) -> bool:
        return self._running is None or self._running.response_complete

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        task = self.loop.create_task(cycle.run_asgi(app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._stop_unread_timer()
        self._idle.forget()
        self.pipeline.clear()
        super().connection_lost(exc)


def _has_length(message: Any) -> bool:
    """Whether a head says how long its answer is; a stream's does not, and does not wait."""
    return b"content-length" in map(itemgetter(0), message.get("headers", ()))


@lru_cache(maxsize=64)  # those of most answers are the same
def _are_names(joined: bytes) -> bool:
    """Whether the names of fields, one after the other, are in lower case and of good letters."""
    return joined == joined.lower() and not HEADER_RE.search(joined)
