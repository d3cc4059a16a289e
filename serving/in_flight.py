"""A bound on the requests that are computed at once; others wait their turn, for a while."""

from __future__ import annotations

import threading

from errors import Overloaded

# A burst is answered by and by. Who waits longer than this is told to come again.
QUEUE_SECONDS = 10.0
NO_TURN = f"no turn within {QUEUE_SECONDS:g} s; try again in a second"


class InFlight:
    """Lets `most` inside. Entering waits QUEUE_SECONDS at most, and then raises Overloaded."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._places = threading.Semaphore(most)

    def __enter__(self) -> None:
        if not self._places.acquire(timeout=QUEUE_SECONDS):
            raise Overloaded(NO_TURN)

    def __exit__(self, *exc: object) -> None:
        self._places.release()
