"""Frames: byte strings one after another in a file, of which one that is not whole is told."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

# The length of what follows, and its CRC-32.
_HEAD = struct.Struct("<II")


def frame(payload: bytes) -> bytes:
    """Return a byte string as it is appended to a file."""
    return _HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def frames_in(data: bytes) -> Iterator[bytes]:
    """Yield the byte strings of a file, up to the first that is torn or damaged."""
    start = 0
    while start + _HEAD.size <= len(data):
        length, checksum = _HEAD.unpack_from(data, start)
        start += _HEAD.size
        payload = data[start : start + length]
        if len(payload) < length or zlib.crc32(payload) != checksum:
            return
        yield payload
        start += length
