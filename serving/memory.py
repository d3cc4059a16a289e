"""Memory that a large request takes: not searched meanwhile, given back once it is answered."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
from functools import cache
from typing import Any

# Collections are put off for no longer, however many long bodies come one after the other.
MOST_PAUSE_SECONDS = 5.0


@cache
def _trim() -> Any:
    """Return the C library's malloc_trim, None where it has none (musl, macOS)."""
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


def give_back() -> None:
    """Let the allocators return what is free: glibc keeps it in the arena of each thread.

    https://man7.org/linux/man-pages/man3/malloc_trim.3.html
    """
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    trim = _trim()
    if trim is not None:
        trim(0)


class CollectionPause:
    """Stops the search for garbage cycles while long bodies are worked on.

    Rows are no cycles, but a hundred thousand of them start that search again and again,
    and it holds the interpreter, and so the event loop, for as long as it takes.
    https://docs.python.org/3/library/gc.html
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._since = 0.0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._since = time.monotonic()
                gc.disable()
            self._inside += 1

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside or time.monotonic() - self._since > MOST_PAUSE_SECONDS:
                gc.enable()
