"""The ASGI application: prediction is answered on the event loop, everything else by Flask.

See asgi.readthedocs.io for the messages.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from errors import MiranteError, Overloaded
from serving import in_flight
from serving.exchange import Answer, Exchange, Route
from serving.http.body import BodyReader, Disconnected, Receive, already_here
from serving.http.pace import Pace
from serving.refusals import RequestError
from serving.service import PredictionService

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# A longer body is decoded and predicted in a thread: by then it takes longer
# than other requests should wait for the event loop.
QUICK_BODY = 32 * 1024
# Of bodies that are whole, and wait for a thread.
MOST_QUEUED_BYTES = 64 * 1024 * 1024
# Of the time, for what people try out on pages: on the event loop, and in threads.
QUICK_TRIALS, SLOW_TRIALS = 0.07, 0.005
# So many of the largest bodies may be on their way at once.
MOST_HELD_BODIES = 4


class AsgiApplication:
    """Answers prediction routes and streams; `fallback` (Flask) answers the rest.

    `streams` are tried in turn: each returns the application of a request that is
    its own (event streams, which must never hold a thread), or None. `on_start` and
    `on_stop` are called at the ends of the worker's life, after the fork.
    """

    def __init__(
        self,
        service: PredictionService,
        fallback: Application,
        *,
        body_timeout: float,
        streams: tuple[Callable[[Scope], Application | None], ...] = (),
        on_start: Callable[[], None] = lambda: None,
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._service = service
        self._fallback = fallback
        most_held = MOST_HELD_BODIES * service.max_body_bytes
        self._bodies = BodyReader(service.max_body_bytes, body_timeout, most_held)
        self._streams = streams
        self._on_start = on_start
        self._on_stop = on_stop
        self._queued_bytes = 0
        self._trials = Pace(QUICK_TRIALS), Pace(SLOW_TRIALS)
        self._turn: list[tuple[Exchange, asyncio.Future[Answer]]] = []
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="mirante-batch")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection's scope, as an ASGI server gives it."""
        if scope["type"] == "http":
            found = self._service.match(scope["method"], scope["path"])
            streamed = b"stream=" in scope.get("query_string", b"") and self._stream(scope)
            if streamed:
                await streamed(scope, receive, send)
            elif found is not None:
                await self._predict(*found, scope, receive, send)
            else:
                await (self._stream(scope) or self._fallback)(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    def _stream(self, scope: Scope) -> Application | None:
        return next((found for find in self._streams if (found := find(scope))), None)

    async def _predict(
        self, route: Route, named: Mapping[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        client = scope["client"][0] if scope.get("client") else ""
        headers, query = dict(scope["headers"]), scope.get("query_string", b"")
        exchange = self._service.begin(route, headers, query, client, **named)
        try:
            self._service.admit(exchange)
            exchange.body = await self._bodies.read(receive)
        except MiranteError as error:
            answer = self._refuse_unread(exchange, error, receive)
        except Disconnected:
            return
        else:
            answer = await (self._try if exchange.route.trial else self._answer)(exchange)
        await _send(answer, send)

    async def _try(self, exchange: Exchange) -> Answer:
        """Answer what somebody tries out, at its own pace."""
        slow = self._is_slow(exchange)
        try:
            async with self._trials[slow]:
                if slow:
                    return await self._answer(exchange)
                return self._service.answer(exchange)  # not in a turn, which would wait for it
        except Overloaded as error:
            return self._service.refuse(exchange, error)

    def _refuse_unread(self, exchange: Exchange, error: MiranteError, receive: Receive) -> Answer:
        answer = self._service.refuse(exchange, error)
        if not isinstance(error, RequestError) and _is_whole(exchange, receive):
            return answer
        # What follows on this connection is the rest of the body.
        return answer._replace(headers=(*answer.headers, (b"connection", b"close")))

    async def _answer(self, exchange: Exchange) -> Answer:
        loop = asyncio.get_running_loop()
        if self._is_slow(exchange):
            return await self._answer_in_thread(exchange, loop)
        if not self._turn:
            # After everything that has arrived by now: what comes together is answered so.
            loop.call_soon(self._answer_turn)
        answer: asyncio.Future[Answer] = loop.create_future()
        self._turn.append((exchange, answer))
        return await answer

    async def _answer_in_thread(
        self, exchange: Exchange, loop: asyncio.AbstractEventLoop
    ) -> Answer:
        """Wait for a thread: within a bound on the bytes that wait, and one on the time."""
        size = len(exchange.body)
        if self._queued_bytes and self._queued_bytes + size > MOST_QUEUED_BYTES:
            full = Overloaded("too many large bodies at once; try again in a second")
            return self._service.refuse(exchange, full)
        self._queued_bytes += size
        latest = time.monotonic() + in_flight.QUEUE_SECONDS
        try:
            return await loop.run_in_executor(self._threads, self._in_time, exchange, latest)
        finally:
            self._queued_bytes -= size

    def _in_time(self, exchange: Exchange, latest: float) -> Answer:
        if time.monotonic() > latest:
            return self._service.refuse(exchange, Overloaded(in_flight.NO_TURN))
        return self._service.answer_long(exchange)

    def _is_slow(self, exchange: Exchange) -> bool:
        """Whether a request would hold the event loop; how long a packed one does is not known."""
        packed = b"content-encoding" in exchange.headers
        if packed or len(exchange.body) > QUICK_BODY or not exchange.route.in_head:
            return True
        return not self._service.is_quick(exchange)

    def _answer_turn(self) -> None:
        exchanges, waiting = zip(*self._turn, strict=True)
        self._turn = []
        answers = self._service.answer_together(exchanges)
        for future, answer in zip(waiting, answers, strict=True):
            if not future.done():  # its client may be gone, and its task cancelled
                future.set_result(answer)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            stage = message["type"].removeprefix("lifespan.")
            try:
                await asyncio.to_thread(self._on_start if stage == "startup" else self._on_stop)
            except MiranteError as error:
                await send({"type": f"lifespan.{stage}.failed", "message": str(error)})
                return
            await send({"type": f"lifespan.{stage}.complete"})
            if stage == "shutdown":
                self._threads.shutdown(wait=False)
                return


def _is_whole(exchange: Exchange, receive: Receive) -> bool:
    """Return whether the body came with the head; one that waits for `100 Continue` did not."""
    if b"expect" in exchange.headers:
        return False
    message = already_here(receive)
    return message is not None and not message.get("more_body", False)


async def _send(answer: Answer, send: Send) -> None:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", b"%d" % len(answer.body)),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
