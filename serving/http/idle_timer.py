"""The clock of an idle connection, which costs a request next to nothing.

A timer of the loop is made and closed again at some expense, and each request would do both.
Here one goes on running, and is started again when it fires too early.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class IdleTimer:
    """Calls `end` once nothing has stopped it for so many seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, end: Callable[[], None]) -> None:
        self._loop = loop
        self._end = end
        self._due: float | None = None
        self._fires = 0.0
        self._running: asyncio.TimerHandle | None = None

    def start(self, seconds: float) -> None:
        """Begin anew."""
        self._due = due = self._loop.time() + seconds
        if self._running is None or due < self._fires:
            self._run(seconds)

    def stop(self) -> None:
        """Call nothing; until the next start."""
        self._due = None

    def forget(self) -> None:
        """Stop for good, and let go of what `end` belongs to."""
        self._due, self._end = None, _nothing
        if self._running is not None:
            self._running.cancel()
            self._running = None

    def _run(self, seconds: float) -> None:
        if self._running is not None:
            self._running.cancel()
        self._fires = self._loop.time() + seconds
        self._running = self._loop.call_later(seconds, self._fire)

    def _fire(self) -> None:
        self._running = None
        if self._due is None:
            return
        left = self._due - self._loop.time()
        if left > 0:
            self._run(left)
        else:
            self._due = None
            self._end()


def _nothing() -> None:
    """Do nothing."""
