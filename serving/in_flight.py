"""A bound on the requests that are computed, or wait for it, at once."""

from __future__ import annotations

import threading

from errors import Overloaded


class InFlight:
    """Counts the requests inside. Entering raises Overloaded beyond `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._count = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._count >= self.most:
                raise Overloaded(f"more than {self.most} requests at once; try again in a second")
            self._count += 1

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            self._count -= 1
