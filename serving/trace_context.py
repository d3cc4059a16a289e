"""Trace context: which trace a request belongs to, as its caller says (w3.org/TR/trace-context)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

PARENT, STATE = b"traceparent", b"tracestate"
# Version 00 has these members alone, a later one may have more; ff is none.
_PARENT = re.compile(
    rb"(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
_STATE = re.compile(rb"[\x20-\x7e\t]{1,512}")


class TraceContext(NamedTuple):
    """A trace and one span of it, in hexadecimal digits; `state` is what vendors add to it."""

    trace_id: str
    span_id: str
    flags: str
    state: str = ""

    @property
    def sampled(self) -> bool:
        """Whether the trace is recorded, as far as the caller knows."""
        return bool(int(self.flags, 16) & 1)

    @property
    def members(self) -> dict[str, str]:
        """What a line of the log says of it."""
        return {"trace_id": self.trace_id, "span_id": self.span_id}

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """What an answer says of it: a page reads the server timing, a program the other."""
        value = f"00-{self.trace_id}-{self.span_id}-{self.flags}".encode("ascii")
        return ((PARENT, value), (b"server-timing", b"trace;desc=" + value))


def trace_of(headers: Mapping[bytes, bytes]) -> TraceContext | None:
    """Return the trace that a request's headers name; None for no trace, or a malformed one."""
    given = headers.get(PARENT)
    if given is None:
        return None
    found = _PARENT.fullmatch(given)
    if found is None or (found[1] == b"00" and found[5] is not None):
        return None
    state = headers.get(STATE, b"")
    kept = state.decode("ascii") if _STATE.fullmatch(state) else ""
    return TraceContext(found[2].decode(), found[3].decode(), found[4].decode(), kept)
