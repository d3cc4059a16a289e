"""Objects of a store that speaks S3, as files that are read."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import IO, Any

from errors import DatasetError, DependencyError

# What a name may have so that it means more than one file.
WILD = "*?["
CLIENT: Any = {"connect_timeout": "5s", "timeout": "120s"}
RETRIES: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}
# Bytes that are asked for at a time.
BUFFER = 2**20
INSTALL = "a table on S3 needs obstore: pip install -r requirements-s3.txt"


@contextmanager
def opened_object(address: str, options: Mapping[str, str]) -> Iterator[IO[bytes]]:
    """Open the object at `s3://bucket/key`; what is not read is not sent.

    Raises DatasetError and DependencyError.
    """
    bucket, _, key = address.removeprefix("s3://").partition("/")
    with _object_errors(address):
        import obstore

        reader = ObjectFile(obstore.open_reader(_bucket(bucket, options), key))
        yield io.BufferedReader(reader, BUFFER)


def objects_of(address: str, options: Mapping[str, str]) -> list[str]:
    """Return the addresses of the objects that `s3://bucket/pattern` names, sorted.

    Raises DatasetError and DependencyError.
    """
    bucket, _, pattern = address.removeprefix("s3://").partition("/")
    wild = next((i for i, c in enumerate(pattern) if c in WILD), None)
    if wild is None:
        return [address]
    prefix = pattern[:wild].rpartition("/")[0]
    with _object_errors(address):
        import obstore

        pages = obstore.list(_bucket(bucket, options), prefix or None)
        keys = [meta["path"] for page in pages for meta in page]
    return [f"s3://{bucket}/{key}" for key in sorted(keys) if fnmatchcase(key, pattern)]


def _bucket(bucket: str, options: Mapping[str, str]) -> Any:
    try:
        from obstore.store import S3Store
    except ImportError:
        raise DependencyError(INSTALL) from None
    config: Any = dict(options)
    client: Any = {**CLIENT, "allow_http": options.get("endpoint", "").startswith("http://")}
    return S3Store(bucket, config=config, client_options=client, retry_config=RETRIES)


@contextmanager
def _object_errors(address: str) -> Iterator[None]:
    """Say in one line what S3 refused; its client's text has the whole request in it."""
    try:
        from obstore.exceptions import BaseError
    except ImportError:
        raise DependencyError(INSTALL) from None
    try:
        yield
    except FileNotFoundError:
        raise DatasetError(f"cannot read the table {address}: there is no such object") from None
    except (BaseError, PermissionError, OSError):
        raise DatasetError(
            f"cannot read the table {address}: the store cannot be reached, or refused"
        ) from None


class ObjectFile(io.RawIOBase):
    """An object that obstore reads, as a file that Python and PyArrow read."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, and return how many bytes are in it."""
        size = min(len(buffer), self._reader.size - self._reader.tell())
        data = bytes(self._reader.read(size)) if size > 0 else b""
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a byte, and return which it is."""
        return int(self._reader.seek(offset, whence))

    def tell(self) -> int:
        """Return the byte that is read next."""
        return int(self._reader.tell())

    def readable(self) -> bool:
        """Say that it is read."""
        return True

    def seekable(self) -> bool:
        """Say that any byte of it can be read next."""
        return True
