"""Stores: opaque bytes by key, swapped only against what was there before.

    MemoryStore      a dictionary; also what the tests of other rooms use
    DirectoryStore   a folder
    PostgresStore    store_postgres.py
    S3Store          store_s3.py

A key is segments of `[a-z0-9][a-z0-9_.-]*` joined by slashes. A tag stands for
the bytes a key holds; whoever puts with the tag that it read wins only if
nobody else was in between.
"""

from __future__ import annotations

import enum
import fcntl
import hashlib
import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from errors import Conflict, KeyMissing, StoreUnavailable


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


_KEY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,127}(/[a-z0-9][a-z0-9_.-]{0,127}){0,7}")


def check_key(key: str) -> str:
    """Return the key if it is one; raises ValueError, so that no path is ever made of another."""
    if not _KEY.fullmatch(key):
        raise ValueError("a key is up to eight segments of a-z, 0-9, '_', '.', '-' joined by '/'")
    return key


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


def check_expected(key: str, tag: str | None, expected: Expected | str) -> None:
    """Raise Conflict unless the tag a key has now (None: nothing is there) is the one expected."""
    if expected is ABSENT and tag is not None:
        raise Conflict(f"{key} is there already")
    if isinstance(expected, str) and tag != expected:
        raise Conflict(f"{key} is no longer what it was when it was read")


class DirectoryStore:
    """A store in a folder: a file a key.

    Names that start with a dot are no keys and are not listed: the lock, the
    file being written, the keys beside the store.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def get(self, key: str) -> Stored:
        """Return what a key holds; raises KeyMissing."""
        path = self._path(key)
        with _told(f"{key} cannot be read"):
            data = _read(path)
        if data is None:
            raise KeyMissing(f"the store holds no {key}")
        return Stored(data, _tag(data))

    def put(self, key: str, data: bytes, expected: Expected | str = ANY) -> str:
        """Keep the bytes under the key and return their tag; raises Conflict."""
        path = self._path(key)
        with _told(f"{key} cannot be written"), self._locked():
            if expected is not ANY:
                old = _read(path)
                check_expected(key, None if old is None else _tag(old), expected)
            self._replace(path, data)
        return _tag(data)

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Return the size in bytes of every key that starts with the prefix, keys sorted."""
        with _told("its folder cannot be listed"):
            found = dict(self._walk(self._folder, ""))
        return {key: found[key] for key in sorted(found) if key.startswith(prefix)}

    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that start with the prefix, sorted."""
        return [*self.sizes(prefix)]

    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is no error."""
        path = self._path(key)
        with _told(f"{key} cannot be deleted"), self._locked(), suppress(FileNotFoundError):
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
            if not _KEY.fullmatch(key):
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
        handle = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
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
    with open(path, "xb") as file:
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
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StoreUnavailable(f"the model store: {what}: {reason}") from error
