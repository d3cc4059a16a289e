"""Rows cut into blocks as their bytes come: each byte is looked at a few times, however it comes.

A newline ends a row unless it stands in quotes. Where a body is one long quoted cell of newlines,
counting the quotes before each of them anew would hold up the event loop for minutes.
"""

from __future__ import annotations


class RowBlocks:
    """Bytes that came and are not yet cut; `quoted` is whether quotes may hold newlines."""

    def __init__(self, size: int, *, quoted: bool) -> None:
        self._size, self._quoted = size, quoted
        self._data = bytearray()
        # How far the block's end has been sought, and whether that is within quotes.
        self._at, self._inside, self._sought = 0, False, False

    def __len__(self) -> int:
        return len(self._data)

    def add(self, part: bytes) -> None:
        """Take what has come."""
        self._data += part

    def take(self) -> bytes:
        """Return whole rows of about `size` bytes, nothing where their end is still to come."""
        end = self._end() if len(self._data) >= self._size else 0
        return self._cut(end) if end else b""

    def rest(self) -> bytes:
        """Return all that is left."""
        return self._cut(len(self._data))

    def _cut(self, end: int) -> bytes:
        block = bytes(self._data[:end])
        del self._data[:end]
        self._at, self._inside, self._sought = 0, False, False
        return block

    def _end(self) -> int:
        """Return where the last row of the first block ends, or the first behind it; else 0."""
        if not self._sought:
            self._sought = True
            self._at = self._data.rfind(b"\n", 0, self._size) + 1
            self._inside = self._is_odd(0, self._at)
            if self._at and not self._inside:
                return self._at
        return self._further()

    def _further(self) -> int:
        """Seek from where the last search ended: in quotes the next quote, else a newline."""
        data = self._data
        while True:
            found = data.find(b'"' if self._inside else b"\n", self._at)
            end = found + 1 or len(data)
            if self._inside:
                self._inside = not found + 1
            else:
                self._inside = self._is_odd(self._at, end)
                if found + 1 and not self._inside:
                    return end
            self._at = end
            if not found + 1:
                return 0

    def _is_odd(self, begin: int, end: int) -> bool:
        return self._quoted and self._data.count(b'"', begin, end) % 2 == 1
