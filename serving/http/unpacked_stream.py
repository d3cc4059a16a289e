"""A packed body as a stream of what it holds: nothing is unpacked before it is asked for.

For bodies that go to the disk; those of predictions are unpacked whole (serving/media.py).
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

from errors import ParseError
from serving.media import NO_DEFLATE, NO_GZIP, NO_ZSTD
from serving.refusals import MediaTypeError
from tables.readers.gzipped import MAGIC, MOST_MEMBERS

PIECE = 64 * 1024


def unpacked_stream(stream: IO[bytes], encoding: str) -> IO[bytes]:
    """Return the stream of what a stream in a Content-Encoding holds.

    Raises MediaTypeError for an encoding that is not known; reading raises ParseError
    for a body that is cut short, or not what its encoding says.
    """
    unpack = _UNPACKERS.get(encoding.strip().lower())
    if unpack is None:
        raise MediaTypeError("expected Content-Encoding gzip, deflate, zstd or none")
    return io.BufferedReader(_Pieces(unpack(stream)))


class _Pieces(io.RawIOBase):
    """Pieces of bytes, one after another, as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what is left of a piece, or of the next; 0 at the end."""
        room = memoryview(buffer)
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = piece
        taken, self._left = self._left[: len(room)], self._left[len(room) :]
        room[: len(taken)] = taken
        return len(taken)


def _ungzip(stream: IO[bytes]) -> Iterator[bytes]:
    packed, members = stream.read(PIECE), 0
    while packed or not members:
        packed += stream.read(PIECE) if len(packed) < len(MAGIC) else b""
        members += 1
        if not packed.startswith(MAGIC):
            raise ParseError(NO_GZIP)
        if members > MOST_MEMBERS:
            raise ParseError(f"the gzip body has more than {MOST_MEMBERS} members")
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        yield from _inflated(stream, packed, unpacker, NO_GZIP)
        packed = unpacker.unused_data or stream.read(PIECE)


def _inflate(stream: IO[bytes]) -> Iterator[bytes]:
    """Undo deflate: within zlib's frame as RFC 9110 has it, or bare as some clients send it."""
    packed = stream.read(PIECE)
    framed = len(packed) > 1 and packed[0] & 0x0F == 8 and int.from_bytes(packed[:2]) % 31 == 0
    unpacker = zlib.decompressobj(zlib.MAX_WBITS if framed else -zlib.MAX_WBITS)
    yield from _inflated(stream, packed, unpacker, NO_DEFLATE)
    if unpacker.unused_data or stream.read(1):
        raise ParseError(NO_DEFLATE)


def _inflated(
    stream: IO[bytes], packed: bytes, unpacker: zlib._Decompress, fault: str
) -> Iterator[bytes]:
    """Yield what one member holds, in pieces. Raises ParseError."""
    while not unpacker.eof:
        try:
            piece = unpacker.decompress(packed, PIECE)
        except zlib.error:
            raise ParseError(fault) from None
        yield piece
        packed = unpacker.unconsumed_tail
        # A full piece may not be all that the bytes before came to.
        if not packed and len(piece) < PIECE and not unpacker.eof:
            packed = stream.read(PIECE)
            if not packed:
                raise ParseError(f"{fault}: it is cut short")


def _unzstd(stream: IO[bytes]) -> Iterator[bytes]:
    import pyarrow as pa

    empty = True
    try:
        with pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd") as unpacked:
            while piece := unpacked.read(PIECE):
                empty = False
                yield piece
    except OSError:
        raise ParseError(NO_ZSTD) from None
    if empty:
        raise ParseError(NO_ZSTD)


_UNPACKERS: dict[str, Callable[[IO[bytes]], Iterator[bytes]]] = {
    "gzip": _ungzip,
    "x-gzip": _ungzip,
    "deflate": _inflate,
    "zstd": _unzstd,
}
