"""The ASGI lane: prediction routes answered on the event loop, everything else handed to Flask.

See asgi.readthedocs.io for the messages.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from errors import MiranteError
from serving.http.exchange import Answer, Request, too_large
from serving.refusals import BodyTimeout
from serving.service import Asked, Match, PredictionService

Scope = MutableMapping[str, Any]
Receive = Callable[[], Coroutine[Any, Any, MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# A longer body is decoded and predicted in a thread: by then it takes longer
# than other requests should wait for the event loop.
QUICK_BODY = 32 * 1024


class Disconnected(Exception):
    """The client went away before its body was whole."""


class AsgiApplication:
    """The ASGI application: prediction routes and streams are answered here, the rest by Flask.

    `streams` are asked in turn for an application that takes the request (event
    streams, which must never hold a thread); `on_start` and `on_stop` are called
    at the ends of the worker's life, after the fork.
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
        self._gate = service
        self._fallback = fallback
        self._body_timeout = body_timeout
        self._streams = streams
        self._on_start = on_start
        self._on_stop = on_stop
        self._turn: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="mirante-batch")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one connection's scope, as an ASGI server gives it."""
        if scope["type"] == "http":
            match = self._gate.match(scope["method"], scope["path"])
            if match is not None:
                await self._predict(match, scope, receive, send)
            else:
                await (self._stream(scope) or self._fallback)(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    def _stream(self, scope: Scope) -> Application | None:
        return next((found for find in self._streams if (found := find(scope))), None)

    async def _predict(self, match: Match, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        request_id = self._gate.request_ids.of(headers.get(b"x-request-id"))
        try:
            with self._gate.in_flight:
                body = await self._body(headers, receive)
                request = _request(scope, headers, body, request_id)
                client = scope["client"][0] if scope.get("client") else ""
                answer = await self._answer(request, match, client)
        except MiranteError as error:
            # The body was not read to its end: what follows on this connection is the rest of it.
            answer = self._gate.refuse(error, _request(scope, headers, b"", request_id), match)
            answer = answer._replace(headers=(*answer.headers, (b"connection", b"close")))
        except Disconnected:
            return
        await _send(answer, send)

    async def _answer(self, request: Request, match: Match, client: str) -> Answer:
        loop = asyncio.get_running_loop()
        if len(request.body) <= QUICK_BODY and self._gate.is_quick(match):
            if not self._turn:
                # After everything that has arrived by now: what comes together is answered so.
                loop.call_soon(self._answer_turn)
            answer: asyncio.Future[Answer] = loop.create_future()
            self._turn.append((Asked(request, match, client), answer))
            return await answer
        return await loop.run_in_executor(self._threads, self._gate.answer, request, match, client)

    def _answer_turn(self) -> None:
        turn, self._turn = self._turn, []
        answers = self._gate.answer_together([asked for asked, _ in turn])
        for (_, waiting), answer in zip(turn, answers, strict=True):
            if not waiting.done():  # its client may be gone, and its task cancelled
                waiting.set_result(answer)

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        limit = self._gate.max_body_bytes
        declared = headers.get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > limit:
            raise too_large(limit)
        message = _already_here(receive) or await self._next(receive, self._body_timeout)
        if message["type"] == "http.disconnect":
            raise Disconnected
        body: bytes = message.get("body", b"")
        if message.get("more_body", False):
            body = await self._rest(body, limit, receive)
        if len(body) > limit:
            raise too_large(limit)
        return body

    async def _rest(self, first: bytes, limit: int, receive: Receive) -> bytes:
        deadline = time.monotonic() + self._body_timeout
        parts, size, more = [first], len(first), True
        while more and size <= limit:
            message = await self._next(receive, deadline - time.monotonic())
            if message["type"] == "http.disconnect":
                raise Disconnected
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message.get("more_body", False)
        return b"".join(parts)

    async def _next(self, receive: Receive, seconds: float) -> MutableMapping[str, Any]:
        try:
            async with asyncio.timeout(seconds):
                return await receive()
        except TimeoutError:
            raise BodyTimeout(f"the body did not arrive in {self._body_timeout:g} s") from None

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


def _request(scope: Scope, headers: dict[bytes, bytes], body: bytes, request_id: str) -> Request:
    return Request(scope["method"], scope["path"], scope["query_string"], headers, body, request_id)


def _already_here(receive: Receive) -> MutableMapping[str, Any] | None:
    """Return the next message if that takes no waiting, as for most bodies, else None.

    Nothing is lost by looking: a server that has to wait is asked again, under a
    deadline, and that deadline costs more than all the rest of reading does.
    """
    asked = receive()
    try:
        asked.send(None)
    except StopIteration as arrived:
        message: MutableMapping[str, Any] = arrived.value
        return message
    asked.close()
    return None


async def _send(answer: Answer, send: Send) -> None:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", str(len(answer.body)).encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
