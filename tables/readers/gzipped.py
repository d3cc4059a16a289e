"""Gzip, all members of it, unpacked in pieces: many small ones cost no more than their bytes."""

from __future__ import annotations

import zlib

MAGIC = b"\x1f\x8b"
# A member is read a piece at a time: what follows it is copied once for each, so pieces are small.
PIECE = 64 * 1024
MOST_MEMBERS = 10_000


def gunzip(data: bytes, limit: int) -> tuple[bytes, int]:
    """Return what all members hold, and where the last of them ends.

    Raises OverflowError beyond `limit` bytes, zlib.error for damaged ones, and
    ValueError, saying what is wrong, for one that is cut short or too many.
    """
    unpacked, at, members = bytearray(), 0, 0
    while data.startswith(MAGIC, at):
        members += 1
        if members > MOST_MEMBERS:
            raise ValueError(f"has more than {MOST_MEMBERS} members")
        at = _member(data, at, unpacked, limit)
    return bytes(unpacked), at


def _member(data: bytes, at: int, unpacked: bytearray, limit: int) -> int:
    """Unpack the member that begins at `at`, and return where it ends."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    while not unpacker.eof:
        piece = data[at : at + PIECE]
        if not piece:
            raise ValueError("is cut short")
        unpacked += unpacker.decompress(piece, limit + 1 - len(unpacked))
        if len(unpacked) > limit:
            raise OverflowError
        at += len(piece) - len(unpacker.unused_data)
    return at
