"""Answers packed as the client accepts them (RFC 9110, 12.5.3 and 8.4)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

from serving.exchange import Answer, Headers

# Below this a packed answer saves no packet.
SMALLEST = 1024
VARY = (b"vary", b"Accept-Encoding")


def _gzip(body: bytes) -> bytes:
    # The quickest level: packing holds other requests up.
    return gzip.compress(body, 1, mtime=0)


def _deflate(body: bytes) -> bytes:
    # In zlib's frame, as RFC 9110 has it and Triton's client unpacks it.
    return zlib.compress(body, 1)


def _zstd(body: bytes) -> bytes:
    import pyarrow as pa

    packed: bytes = pa.compress(body, "zstd", asbytes=True)
    return packed


_PACKERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"gzip": _gzip,
    b"zstd": _zstd,
    b"deflate": _deflate,
}


def pack(answer: Answer, accept: bytes | None) -> Answer:
    """Return the answer packed as `Accept-Encoding` has it, if it is long enough for that."""
    if len(answer.body) < SMALLEST or any(n == b"content-encoding" for n, _ in answer.headers):
        return answer
    body, headers = packed(answer.body, accept)
    return answer._replace(body=body, headers=(*answer.headers, *headers))


def packed(body: bytes, accept: bytes | None) -> tuple[bytes, Headers]:
    """Return a body as it is sent, and the headers that say so."""
    chosen = choose(accept)
    if chosen is None:
        return body, (VARY,)
    return _PACKERS[chosen](body), ((b"content-encoding", chosen), VARY)


def choose(accept: bytes | None) -> bytes | None:
    """Return the encoding that a client likes best, gzip among equals, None for none.

    `*` stands for those that are not named, and a quality of 0 refuses.
    """
    if accept is None:
        return None
    liked = dict(_weighed(part) for part in accept.lower().split(b","))
    best = max(_PACKERS, key=lambda name: liked.get(name, liked.get(b"*", 0.0)))
    quality = liked.get(best, liked.get(b"*", 0.0))
    return best if quality > 0 and quality >= liked.get(b"identity", 0.0) else None


def _weighed(part: bytes) -> tuple[bytes, float]:
    name, _, parameter = part.partition(b";")
    key, _, value = parameter.partition(b"=")
    if key.strip() != b"q":
        return name.strip(), 1.0
    try:
        return name.strip(), float(value)
    except ValueError:
        return name.strip(), 0.0
