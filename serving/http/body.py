"""A request's body under ASGI: read part by part, within a size and a time.

See asgi.readthedocs.io for the messages.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, MutableMapping
from typing import Any

from errors import Overloaded
from serving.problems import too_large
from serving.refusals import BodyTimeout

Message = MutableMapping[str, Any]
Receive = Callable[[], Coroutine[Any, Any, Message]]


class Disconnected(Exception):
    """The client went away before its body was whole."""


class BodyReader:
    """Reads bodies of at most `limit` bytes, each within `timeout` seconds.

    `most_held` bounds the bytes of all bodies that are not whole yet: those wait
    outside the bound on requests in flight.
    """

    def __init__(self, limit: int, timeout: float, most_held: int) -> None:
        self._limit = limit
        self._timeout = timeout
        self._most_held = most_held
        self._held = 0

    async def read(self, receive: Receive) -> bytes:
        """Return the whole body. Raises BodyTooLarge, BodyTimeout, Overloaded and Disconnected."""
        message = already_here(receive) or await self._next(receive, self._timeout)
        if message["type"] == "http.disconnect":
            raise Disconnected
        body: bytes = message.get("body", b"")
        if message.get("more_body", False):
            body = await self._rest(body, receive)
        if len(body) > self._limit:
            raise too_large(self._limit)
        return body

    async def _rest(self, first: bytes, receive: Receive) -> bytes:
        deadline = time.monotonic() + self._timeout
        parts, size, more = [first], len(first), True
        self._held += size
        try:
            while more and size <= self._limit:
                if self._held > self._most_held:
                    raise Overloaded("too many bodies are on their way; try again in a second")
                message = await self._next(receive, deadline - time.monotonic())
                if message["type"] == "http.disconnect":
                    raise Disconnected
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                self._held += len(parts[-1])
                more = message.get("more_body", False)
        finally:
            self._held -= size
        return b"".join(parts)

    async def _next(self, receive: Receive, seconds: float) -> Message:
        try:
            async with asyncio.timeout(seconds):
                return await receive()
        except TimeoutError:
            raise BodyTimeout(f"the body did not arrive in {self._timeout:g} s") from None


def already_here(receive: Receive) -> Message | None:
    """Return the next message if that takes no waiting, as for most bodies, else None.

    Nothing is lost by looking: a server that has to wait is called again, under a
    deadline, and that deadline costs more than all the rest of reading does.
    """
    receiving = receive()
    try:
        receiving.send(None)
    except StopIteration as arrived:
        message: Message = arrived.value
        return message
    receiving.close()
    return None
