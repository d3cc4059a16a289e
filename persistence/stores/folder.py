"""A store in a folder: a file a key."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from errors import KeyMissing, StoreUnavailable
from persistence.stores.store import ANY, Expected, Stored, check_expected, check_key, is_key


class FolderStore:
    """A store in a folder: a file a key.

    Names that start with a dot are no keys and are not listed: the lock, the
    file being written, the keys beside the store.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def get(self, key: str) -> Stored:
        """Return what a key holds; raises KeyMissing."""
        path = self._path(key)
        with _store_errors(f"{key} cannot be read"):
            data = _read(path)
        if data is None:
            raise KeyMissing(f"the store holds no {key}")
        return Stored(data, _tag(data))

    def put(self, key: str, data: bytes, expected: Expected | str = ANY) -> str:
        """Keep the bytes under the key and return their tag; raises Conflict."""
        path = self._path(key)
        with _store_errors(f"{key} cannot be written"), self._locked():
            if expected is not ANY:
                old = _read(path)
                check_expected(key, None if old is None else _tag(old), expected)
            self._replace(path, data)
        return _tag(data)

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Return the size in bytes of every key that starts with the prefix, keys sorted."""
        with _store_errors("its folder cannot be listed"):
            found = dict(self._walk(self._folder, ""))
        return {key: found[key] for key in sorted(found) if key.startswith(prefix)}

    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that start with the prefix, sorted."""
        return [*self.sizes(prefix)]

    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is no error."""
        path = self._path(key)
        with _store_errors(f"{key} cannot be deleted"), self._locked(), suppress(FileNotFoundError):
            path.unlink()
            _sync(path.parent)

    def _path(self, key: str) -> Path:
        return self._folder.joinpath(*check_key(key).split("/"))

    def _walk(self, folder: Path, under: str) -> Iterator[tuple[str, int]]:
        try:
            entries = list(os.scandir(folder))
        except FileNotFoundError:
            return
        for entry in entries:
            key = under + entry.name
            if not is_key(key):
                continue
            if entry.is_dir():
                yield from self._walk(folder / entry.name, key + "/")
            else:
                with suppress(FileNotFoundError):
                    yield key, entry.stat().st_size

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the store's one writer's lock; the system lets go of it when the process dies."""
        _make_folder(self._folder)
        handle = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _replace(self, path: Path, data: bytes) -> None:
        """Write beside, sync, rename, sync the folder: the key holds the old bytes or the new."""
        self._sweep()
        _make_folder(path.parent)
        written = self._folder / f".writing-{secrets.token_hex(8)}"
        try:
            _write(written, data)
            os.replace(written, path)
        except BaseException:
            with suppress(OSError):
                written.unlink()
            raise
        _sync(path.parent)

    def _sweep(self) -> None:
        """Remove what killed writers left: while we hold the lock, nobody else is writing."""
        for left in self._folder.glob(".writing-*"):
            left.unlink(missing_ok=True)


def _tag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents, each of them synced into its own parent."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync(folder.parent)


@contextmanager
def _store_errors(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StoreUnavailable(f"the model store: {what}: {reason}") from error
