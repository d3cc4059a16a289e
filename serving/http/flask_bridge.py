"""Flask under ASGI: a thread is taken only once the body is whole, and none waits for a reader.

A body is read on the event loop, from 64 kB on into a temporary file, before Flask
is called; its answer is collected before it is sent. So threads are held by work
alone. What watches the service (health, metrics) has threads of its own.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
import time
from collections.abc import Callable
from typing import IO, Any

from a2wsgi import WSGIMiddleware

from errors import MiranteError, Overloaded
from serving.cors import Cors
from serving.http.body import Disconnected, Message, Receive, already_here
from serving.http.error_form import in_form
from serving.in_flight import NO_TURN, QUEUE_SECONDS
from serving.observation import Observation
from serving.problems import refuse, too_large
from serving.refusals import BodyTimeout
from serving.request_ids import RequestIds
from serving.service import complete
from serving.trace_context import trace_of

THREADS = 10
# These read memory alone: whatever the other threads wait for, they are answered.
URGENT = frozenset(
    {
        *("/livez", "/readyz", "/health", "/ping", "/metrics"),
        *("/v2/health/live", "/v2/health/ready"),
    }
)
URGENT_THREADS = 2
IN_MEMORY = 64 * 1024
# A body gets BODY_TIMEOUT, and a second more for every so many bytes, as slow lines need it.
BYTES_A_SECOND = 16 * 1024
# Bodies of so many largest uploads lie on the disk at once.
MOST_UPLOADS = 4


class FlaskBridge:
    """Answers whatever the prediction service and the streams do not.

    `may_upload(headers)` says whether a caller has a key for large bodies, of
    at most `most_bytes`; of others no more than IN_MEMORY is read. The paths of `urgent`
    are answered whatever all others wait for.
    """

    def __init__(
        self,
        flask: Any,
        *,
        most_bytes: int,
        body_timeout: float,
        may_upload: Callable[[Any], bool],
        request_ids: RequestIds,
        cors: Cors,
        observation: Observation,
        urgent: frozenset[str] = URGENT,
    ) -> None:
        self._flask = WSGIMiddleware(flask, workers=THREADS)
        self._quick = WSGIMiddleware(flask, workers=URGENT_THREADS)
        self._urgent = urgent
        self._places = asyncio.Semaphore(THREADS)
        self._most_bytes = most_bytes
        self._body_timeout = body_timeout
        self._may_upload = may_upload
        self._request_ids = request_ids
        self._cors = cors
        self._observation = observation
        self._spooled = 0

    async def __call__(self, scope: Any, receive: Receive, send: Any) -> None:
        """Answer one request."""
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        # Nothing is sent by a thread: none waits for a client that does not read.
        if (scope["path"].rstrip("/") or "/") in self._urgent:
            await self._quick(scope, _no_body, keep)  # type: ignore[arg-type]
        else:
            try:
                await self._collect(scope, receive, keep)
            except Disconnected:
                return
            except MiranteError as error:
                sent = self._refuse(scope, error)
        for message in sent:
            await send(message)

    async def _collect(self, scope: Any, receive: Receive, keep: Any) -> None:
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
            try:
                await self._read(scope, receive, body)
                await self._take_place()
                try:
                    body.seek(0)
                    await self._flask(scope, _replay(body), keep)  # type: ignore[arg-type]
                finally:
                    self._places.release()
            finally:
                self._spooled -= body.seek(0, io.SEEK_END)

    async def _take_place(self) -> None:
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise Overloaded(NO_TURN) from None

    async def _read(self, scope: Any, receive: Receive, body: IO[bytes]) -> None:
        """Put the body into a file; of one without a key no more than a little.

        A length that is declared too large is left to Flask, which knows its routes' limits.
        """
        headers = dict(scope["headers"])
        limit = self._most_bytes if self._may_upload(scope["headers"]) else IN_MEMORY
        if int(headers.get(b"content-length", b"0")) > limit:
            return
        began, size, more = time.monotonic(), 0, True
        while more and size <= limit:
            deadline = began + self._body_timeout + size / BYTES_A_SECOND
            message = already_here(receive) or await self._next(receive, deadline)
            if message["type"] == "http.disconnect":
                raise Disconnected
            part, more = message.get("body", b""), message.get("more_body", False)
            size += self._keep(part, body)
        if size > self._most_bytes:  # Werkzeug would cut it off, and say nothing
            raise too_large(self._most_bytes)

    def _keep(self, part: bytes, body: IO[bytes]) -> int:
        if self._spooled and self._spooled + len(part) > MOST_UPLOADS * self._most_bytes:
            raise Overloaded("too many bodies are on their way; try again in a second")
        body.write(part)
        self._spooled += len(part)
        return len(part)

    async def _next(self, receive: Receive, deadline: float) -> Message:
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await receive()
        except TimeoutError:
            raise BodyTimeout(f"the body did not arrive in {self._body_timeout:g} s") from None

    def _refuse(self, scope: Any, error: MiranteError) -> list[Message]:
        headers = dict(scope["headers"])
        request_id = self._request_ids.of(headers.get(b"x-request-id"))
        trace = trace_of(headers)
        answer = in_form(scope["path"], refuse(error, request_id))
        trace = self._observation.record(
            request_id=request_id,
            method=scope["method"],
            route="",
            status=answer.status,
            seconds=0.0,
            detail=str(error),
            trace=trace,
            headers=headers,
        )
        answer = complete(answer, headers, request_id, self._cors, trace)
        fields = [
            (b"content-type", answer.content_type),
            (b"content-length", str(len(answer.body)).encode()),
            *answer.headers,
        ]
        start = {"type": "http.response.start", "status": int(answer.status), "headers": fields}
        return [start, {"type": "http.response.body", "body": answer.body}]


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _replay(body: IO[bytes]) -> Receive:
    """Return what gives a kept body part by part."""

    async def receive() -> Message:
        part = body.read(IN_MEMORY)
        return {"type": "http.request", "body": part, "more_body": len(part) == IN_MEMORY}

    return receive
