"""A pace: what people try out takes turns, and rests between them, so that others are quick.

It is told by how long the work took: on a busy machine it rests longer, but never so long that
one piece of work, which took long, keeps all who come after it from their turns.
"""

from __future__ import annotations

import asyncio
import time
from types import TracebackType

from errors import Overloaded
from serving.in_flight import NO_TURN, QUEUE_SECONDS

# Seconds of a rest at most: well within the time that the next one waits for a turn.
MOST_REST = QUEUE_SECONDS / 2


class Pace:
    """Lets one piece of work run at a time, and all of it no more than a share of the time.

    `share` is above 0 and at most 1. Used as `async with pace:`; raises Overloaded where a
    turn does not come within QUEUE_SECONDS.
    """

    def __init__(self, share: float) -> None:
        self._rest = (1 - share) / share
        self._turn = asyncio.Lock()
        self._free = self._began = 0.0

    async def __aenter__(self) -> None:
        """Wait for a turn, and for the rest after the one before."""
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise Overloaded(NO_TURN) from None
        try:
            await asyncio.sleep(max(0.0, self._free - time.monotonic()))
        except BaseException:  # its client has gone
            self._turn.release()
            raise
        self._began = time.monotonic()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the turn to the next, who rests as this one's time demands."""
        now = time.monotonic()
        self._free = now + min(MOST_REST, self._rest * (now - self._began))
        self._turn.release()
