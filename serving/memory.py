"""Memory that a large request took, given back to the system once it is answered."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any


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
