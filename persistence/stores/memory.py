"""A store that lives as long as its process."""

from __future__ import annotations

import threading

from errors import KeyMissing
from persistence.stores.store import ANY, Expected, Stored, check_expected, check_key


class MemoryStore:
    """A store that lives as long as its process."""

    def __init__(self) -> None:
        self._kept: dict[str, Stored] = {}
        self._count = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> Stored:
        """Return what a key holds; raises KeyMissing."""
        try:
            return self._kept[check_key(key)]
        except KeyError:
            raise KeyMissing(f"the store holds no {key}") from None

    def put(self, key: str, data: bytes, expected: Expected | str = ANY) -> str:
        """Keep the bytes under the key and return their tag; raises Conflict."""
        check_key(key)
        with self._lock:
            stored = self._kept.get(key)
            check_expected(key, stored.tag if stored else None, expected)
            self._count += 1
            self._kept[key] = Stored(bytes(data), str(self._count))
            return self._kept[key].tag

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Return the size in bytes of every key that starts with the prefix, keys sorted."""
        with self._lock:
            return {k: len(s.data) for k, s in sorted(self._kept.items()) if k.startswith(prefix)}

    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that start with the prefix, sorted."""
        return [*self.sizes(prefix)]

    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is no error."""
        with self._lock:
            self._kept.pop(check_key(key), None)
