"""A limit on failures: how often one client may present a key that is not known."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from serving.refusals import RateLimited

MOST_CLIENTS = 10_000


class FailureLimit:
    """Counts each client's failures in windows of time, in this process."""

    def __init__(
        self,
        most: int = 10,
        seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, float]] = {}

    def count(self, client: str) -> None:
        """Count one more failure; raises RateLimited beyond the limit."""
        now = self._clock()
        with self._lock:
            number, began = self._counts.get(client, (0, now))
            if now - began >= self._seconds:
                number, began = 0, now
            self._make_room(now)
            self._counts[client] = (number + 1, began)
        if number >= self._most:
            wait = max(1, math.ceil(began + self._seconds - now))
            raise RateLimited("too many requests without a good key; try again later", wait)

    def _make_room(self, now: float) -> None:
        if len(self._counts) < MOST_CLIENTS:
            return
        fresh = {c: v for c, v in self._counts.items() if now - v[1] < self._seconds}
        # Clients by the thousand at once: then the memory counts more than the oldest of them.
        self._counts = dict(list(fresh.items())[-MOST_CLIENTS // 2 :])
