"""Files in buckets: listed, read from and written to as `persistence/stores/s3` is connected."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import translate
from pathlib import Path
from re import compile as compiled
from typing import IO, Any

from errors import ConfigError, StoreUnavailable
from tables.readers.objects import BUFFER, WILD, ObjectFile

SCHEME = "s3://"


class Bucket:
    """The bucket of an address `s3://bucket/key`. Raises ConfigError and DependencyError."""

    def __init__(self, address: str, options: Mapping[str, str]) -> None:
        from persistence.stores.s3 import connect

        self._name, _, self.key = address.removeprefix(SCHEME).partition("/")
        if not self._name or not self.key:
            raise ConfigError("an address in a bucket is s3://bucket/key")
        self._store = connect(self._name, "", options)

    def found(self) -> list[tuple[str, int, str]]:
        """Return key, size and tag of what the address means, which may have wildcards; sorted."""
        import obstore

        with self._faults("a listing"):
            if not any(sign in self.key for sign in WILD):
                meta = obstore.head(self._store, self.key)
                return [(self.key, meta["size"], meta["e_tag"] or "")]
            first = min(self.key.find(sign) for sign in WILD if sign in self.key)
            folder = self.key[:first].rpartition("/")[0]
            pages = obstore.list(self._store, folder or None)
            # A star does not go beyond a slash, as in a folder.
            wanted = compiled(translate(self.key).replace(".*", "[^/]*"))
            found = [(m["path"], m["size"], m["e_tag"] or "") for page in pages for m in page]
        return sorted(one for one in found if wanted.fullmatch(one[0]))

    def open(self, key: str) -> IO[bytes]:
        """Return what reads a key and seeks in it."""
        import obstore

        with self._faults("a read"):
            reader: Any = obstore.open_reader(self._store, key)
            return io.BufferedReader(ObjectFile(reader), BUFFER)

    def upload(self, path: Path) -> None:
        """Put a file under the address's key; it is there whole, or not at all."""
        import obstore

        with self._faults("a write"):
            obstore.put(self._store, self.key, path)

    @contextmanager
    def _faults(self, what: str) -> Iterator[None]:
        from obstore import exceptions

        # Not chained: the client's text has the whole request and answer in it.
        try:
            yield
        except FileNotFoundError:
            raise StoreUnavailable(f"{SCHEME}{self._name}: there is no such object") from None
        except (exceptions.BaseError, PermissionError, ValueError):
            raise StoreUnavailable(
                f"{SCHEME}{self._name}: {what}: it cannot be reached, or refused"
            ) from None
