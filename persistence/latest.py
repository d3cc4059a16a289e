"""The newest alias of each model that was ever seen, remembered from one start to the next.

What is kept is the alias as it is stored, with the seal over it: once in the store, and
once in a folder of this machine. Whoever puts yesterday's champion back is found out
by either, and a store that shows nothing is known to have shown more.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from errors import Conflict, KeyMissing, MiranteError
from persistence.stores.store import ABSENT, Expected, Store

ENDING = ".json"


class Latest:
    """Copies of aliases, in the store and in a folder; without a folder, in the store alone."""

    def __init__(self, store: Store, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    def copies(self, name: str, which: str) -> list[bytes]:
        """Return the copies that there are. Raises StoreUnavailable."""
        found = [self._stored(name, which)[0], self._beside(name, which)]
        return [data for data in found if data is not None]

    def keep(self, name: str, which: str, data: bytes, *, written: bool) -> None:
        """Keep an alias that was read, or one that this process has written.

        Only the latter goes to the store; a copy that cannot be written is done without.
        """
        if written:
            with suppress(MiranteError):
                self._put(name, which, data)
        with suppress(OSError):
            self._replace(name, which, data)

    def names(self) -> list[str]:
        """Return the names of the models whose champion this machine has seen."""
        if self._folder is None or not self._folder.is_dir():
            return []
        ending = f".champion{ENDING}"
        files = (path.name for path in self._folder.glob(f"*{ending}"))
        return sorted(name.removesuffix(ending) for name in files)

    def forget(self, name: str) -> None:
        """Remember nothing of a model on this machine."""
        for path in self._folder.glob(f"{name}.*{ENDING}") if self._folder else ():
            path.unlink(missing_ok=True)

    def _stored(self, name: str, which: str) -> tuple[bytes | None, str | Expected]:
        try:
            found = self._store.get(_key(name, which))
        except KeyMissing:
            return None, ABSENT
        return found.data, found.tag

    def _put(self, name: str, which: str, data: bytes) -> None:
        _, tag = self._stored(name, which)
        # Of two writers at once, the one whose alias won the swap last comes here last too, or
        # the copy is one behind: it still tells all that is older.
        with suppress(Conflict):
            self._store.put(_key(name, which), data, tag)

    def _beside(self, name: str, which: str) -> bytes | None:
        try:
            return self._path(name, which).read_bytes() if self._folder else None
        except OSError:
            return None

    def _replace(self, name: str, which: str, data: bytes) -> None:
        if self._folder is None or self._beside(name, which) == data:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(name, which)
        written = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        handle = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(written, path)
        finally:
            written.unlink(missing_ok=True)

    def _path(self, name: str, which: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{name}.{which}{ENDING}"


def _key(name: str, which: str) -> str:
    return f"{name}/latest/{which}{ENDING}"
