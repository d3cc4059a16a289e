"""CORS: which pages of other origins a browser lets read the answers (fetch.spec.whatwg.org)."""

from __future__ import annotations

from serving.exchange import Headers


class Cors:
    """Gives the CORS headers of an answer. `origins` are exact, or `*` for any; none for none."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._any = "*" in origins
        self._origins = frozenset(origin.encode("latin-1") for origin in origins)

    def headers(self, origin: bytes | None) -> Headers:
        """Return the headers of an answer to a request from `origin`."""
        if origin is None or not self._origins:
            return ()
        exposed = (
            b"access-control-expose-headers",
            b"X-Request-Id, X-Warnings, Location, Retry-After",
        )
        if self._any:
            return ((b"access-control-allow-origin", b"*"), exposed)
        # The answer depends on the origin: a cache must not give it to another one.
        vary = (b"vary", b"Origin")
        if origin not in self._origins:
            return (vary,)
        return ((b"access-control-allow-origin", origin), vary, exposed)

    def preflight(self, origin: bytes | None, allow: bytes) -> Headers:
        """Return the headers of an answer to the OPTIONS that a browser sends first."""
        granted = self.headers(origin)
        if not any(name == b"access-control-allow-origin" for name, _ in granted):
            return granted
        sent = b"Authorization, Content-Type, Idempotency-Key, X-API-Key, X-Request-Id"
        return (
            *granted,
            (b"access-control-allow-methods", allow),
            (b"access-control-allow-headers", sent),
            (b"access-control-max-age", b"86400"),
        )
