"""CORS: which pages of other origins a browser lets read the answers (fetch.spec.whatwg.org)."""

from __future__ import annotations

import re

from serving.exchange import Headers

# What any of our routes reads of a request, and answers, besides what a browser always allows.
SENT = (
    b"Authorization, Content-Encoding, Content-Type, Idempotency-Key, If-None-Match, "
    b"Inference-Header-Content-Length, Last-Event-ID, Mcp-Method, Mcp-Name, "
    b"MCP-Protocol-Version, traceparent, tracestate, "
    b"X-Amzn-SageMaker-Custom-Attributes, X-API-Key, X-Inference-Id, X-Request-Id"
)
EXPOSED = (
    b"Content-Disposition, ETag, Inference-Header-Content-Length, Location, Retry-After, "
    b"Server-Timing, traceparent, WWW-Authenticate, X-Amzn-SageMaker-Custom-Attributes, "
    b"X-Inference-Id, X-Request-Id, X-Warnings"
)
_NAMES = re.compile(rb"[A-Za-z0-9_, -]{1,1024}")


class Cors:
    """Gives the CORS headers of an answer. `origins` are exact, or `*` for any; none for none."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._any = "*" in origins
        self._origins = frozenset(origin.encode("latin-1") for origin in origins)

    def allows(self, origin: bytes) -> bool:
        """Tell whether pages of `origin` may read the answers."""
        return self._any or origin in self._origins

    def headers(self, origin: bytes | None) -> Headers:
        """Return the headers of an answer to a request from `origin`."""
        if origin is None or not self._origins:
            return ()
        exposed = (b"access-control-expose-headers", EXPOSED)
        if self._any:
            return ((b"access-control-allow-origin", b"*"), exposed)
        # The answer depends on the origin: a cache must not give it to another one.
        vary = (b"vary", b"Origin")
        if not self.allows(origin):
            return (vary,)
        return ((b"access-control-allow-origin", origin), vary, exposed)

    def preflight(self, origin: bytes | None, allow: bytes, asked: bytes = b"") -> Headers:
        """Return the headers of an answer to the OPTIONS that a browser sends first.

        `asked` are the headers that the page will send. Where any origin may read they are
        allowed, whatever they are: tracing, for one, adds headers of its own.
        """
        granted = self.headers(origin)
        if not any(name == b"access-control-allow-origin" for name, _ in granted):
            return granted
        sent = SENT
        varies: Headers = ()
        if self._any and _NAMES.fullmatch(asked):
            sent, varies = asked, ((b"vary", b"Access-Control-Request-Headers"),)
        return (
            *granted,
            *varies,
            (b"access-control-allow-methods", allow),
            (b"access-control-allow-headers", sent),
            (b"access-control-max-age", b"86400"),
        )
