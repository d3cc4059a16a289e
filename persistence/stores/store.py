"""What every store is: opaque bytes by key, swapped only against what was there before.

A key is segments of `[a-z0-9][a-z0-9_.=-]*` joined by slashes. A tag stands for
the bytes a key holds; whoever puts with the tag that it read wins only if
nobody else was in between.
"""

from __future__ import annotations

import enum
import re
from typing import NamedTuple, Protocol

from errors import Conflict


class Expected(enum.Enum):
    """What a key must hold for a put to happen, when it is not the bytes of one tag."""

    ANY = "whatever is there, or nothing"
    ABSENT = "nothing"


ANY = Expected.ANY
ABSENT = Expected.ABSENT


class Stored(NamedTuple):
    """The bytes of a key, and the tag that stands for them."""

    data: bytes
    tag: str


class Store(Protocol):
    """Opaque bytes by key. Every method raises StoreUnavailable when the store cannot be used."""

    def get(self, key: str) -> Stored:
        """Return what a key holds; raises KeyMissing."""
        ...

    def put(self, key: str, data: bytes, expected: Expected | str = ANY) -> str:
        """Keep the bytes under the key and return their tag.

        `expected` is ANY, ABSENT, or the tag of the bytes to replace. Raises
        Conflict when the key holds something else. What was there stays whole
        until the new bytes are, and it is kept when the put fails.
        """
        ...

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Return the size in bytes of every key that starts with the prefix, keys sorted."""
        ...

    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that start with the prefix, sorted."""
        ...

    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is no error."""
        ...


_KEY = re.compile(r"[a-z0-9][a-z0-9_.=-]{0,127}(/[a-z0-9][a-z0-9_.=-]{0,127}){0,7}")


def is_key(text: str) -> bool:
    """Tell whether a text is a key."""
    return _KEY.fullmatch(text) is not None


def check_key(key: str) -> str:
    """Return the key if it is one; raises ValueError, so that no path is ever made of another."""
    if not is_key(key):
        raise ValueError("a key is up to eight segments of a-z, 0-9, _ . = - joined by /")
    return key


def check_expected(key: str, tag: str | None, expected: Expected | str) -> None:
    """Raise Conflict unless the tag a key has now (None: nothing is there) is the one expected."""
    if expected is ABSENT and tag is not None:
        raise Conflict(f"{key} is there already")
    if isinstance(expected, str) and tag != expected:
        raise Conflict(f"{key} is no longer what it was when it was read")
