"""A request that was answered, as what observes it takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from serving.trace_context import TraceContext

NO_HEADERS: Mapping[bytes, bytes] = MappingProxyType({})


class Recorded(NamedTuple):
    """A request that was answered, as its span tells it.

    `marks` are the ends of its stations, in seconds of `time.perf_counter`: the first is that
    of its beginning. `trace` is its caller's.
    """

    method: str
    route: str
    status: int
    seconds: float
    request_id: str
    trace: TraceContext | None = None
    rows: int = 0
    model: str = ""
    version: str = ""
    client: str = ""
    headers: Mapping[bytes, bytes] = NO_HEADERS
    marks: Sequence[tuple[str, float]] = ()
