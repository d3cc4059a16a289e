"""The tables that are to be scored: one file or many, here or in a bucket, in a fixed order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

import msgspec

from errors import DatasetError
from scoring.buckets import SCHEME, Bucket


class Input(msgspec.Struct, frozen=True):
    """One file: its path or address, its bytes, and what changes when it does."""

    path: str
    size: int
    tag: str

    def open(self, options: Mapping[str, str]) -> IO[bytes]:
        """Return the open file. Raises DatasetError and StoreUnavailable."""
        if self.path.startswith(SCHEME):
            bucket = Bucket(self.path, options)
            return bucket.open(bucket.key)
        try:
            return open(self.path, "rb")
        except OSError as error:
            raise DatasetError(f"cannot read the table {self.path}: {error.strerror}") from None


def find_inputs(patterns: Sequence[str], options: Mapping[str, str]) -> list[Input]:
    """Return what paths, addresses and patterns of them mean, those of a pattern by name.

    Raises DatasetError for one that means nothing, and StoreUnavailable.
    """
    found = [one for pattern in patterns for one in _meant(pattern, options)]
    if len({one.path for one in found}) < len(found):
        raise DatasetError("a table is given twice")
    return found


def _meant(pattern: str, options: Mapping[str, str]) -> Iterator[Input]:
    if pattern.startswith(SCHEME):
        bucket = Bucket(pattern, options)
        head = pattern.removesuffix(bucket.key)
        keys = [Input(head + key, size, tag) for key, size, tag in bucket.found()]
    else:
        paths = [pattern] if os.path.exists(pattern) else sorted(glob.glob(pattern))
        keys = [_local(path) for path in paths if not os.path.isdir(path)]
    if not keys:
        raise DatasetError(f"there is no table {pattern}")
    yield from keys


def _local(path: str) -> Input:
    found = os.stat(path)
    return Input(path, found.st_size, str(found.st_mtime_ns))
