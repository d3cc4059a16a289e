"""Universal Binary JSON, as XGBoost writes it: counted before anything is made of it.

The format: https://ubjson.org; XGBoost's writer, which uses a part of it: `src/common/json.cc`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

DEEPEST = 100
_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_INTEGERS = frozenset("iUIlL")
_CONSTANTS = {"Z": None, "T": True, "F": False}


class NotUBJ(ValueError):
    """The bytes are cut off, or are none of the format."""


def decode(data: bytes) -> Any:
    """Return what the bytes say: arrays of numbers of one type as lists. Raises NotUBJ."""
    reader = _Reader(data)
    try:
        found = reader.value(reader.mark(), 0)
    except UnicodeDecodeError:
        raise NotUBJ("damaged") from None
    if reader.at != len(data):
        raise NotUBJ("there is more behind its end")
    return found


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def mark(self) -> str:
        """Return the next type's letter."""
        return chr(self._take(1)[0])

    def value(self, mark: str, depth: int) -> Any:
        """Return the value of a type that has been read."""
        if depth > DEEPEST:
            raise NotUBJ("too deep")
        if mark in _NUMBERS:
            return self._numbers(_NUMBERS[mark], 1)[0]
        if mark in _CONSTANTS:
            return _CONSTANTS[mark]
        if mark == "S":
            return self._text()
        if mark == "C":
            return self.mark()
        if mark == "[":
            return self._array(depth)
        if mark == "{":
            return self._object(depth)
        raise NotUBJ("no type of the format")

    def _take(self, count: int) -> bytes:
        if not 0 <= count <= len(self._data) - self.at:
            raise NotUBJ("cut off")
        self.at += count
        return self._data[self.at - count : self.at]

    def _count(self) -> int:
        mark = self.mark()
        if mark not in _INTEGERS:
            raise NotUBJ("a count is no integer")
        count: int = self.value(mark, 0)
        # A value takes a byte at least.
        if not 0 <= count <= len(self._data) - self.at:
            raise NotUBJ("cut off")
        return count

    def _text(self) -> str:
        return self._take(self._count()).decode("utf-8")

    def _array(self, depth: int) -> list[Any]:
        mark = self.mark()
        if mark == "$":
            return self._typed()
        if mark == "#":
            return [self.value(self.mark(), depth + 1) for _ in range(self._count())]
        found = []
        while mark != "]":
            found.append(self.value(mark, depth + 1))
            mark = self.mark()
        return found

    def _typed(self) -> list[Any]:
        kind = _NUMBERS.get(self.mark())
        if kind is None or self.mark() != "#":
            raise NotUBJ("an array of another type than numbers")
        return self._numbers(kind, self._count())

    def _numbers(self, kind: str, count: int) -> list[Any]:
        found: list[Any] = np.frombuffer(self._take(count * np.dtype(kind).itemsize), kind).tolist()
        return found

    def _object(self, depth: int) -> dict[str, Any]:
        found = {}
        mark = self.mark()
        while mark != "}":
            if mark not in _INTEGERS:
                raise NotUBJ("a name has no length")
            name = self._take(self.value(mark, 0)).decode("utf-8")
            found[name] = self.value(self.mark(), depth + 1)
            mark = self.mark()
        return found
