"""The spool: segments on this machine's disk, written at once and archived later.

A segment is written by one process, which holds a lock on it. The kernel lets go of the
lock when the process ends, however it ends: a segment that can be locked is finished.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from monitoring.frames import frame

SUFFIX = ".segment"
# A segment is finished at this size, in bytes, and at this part of what may wait.
LONGEST_SEGMENT = 16 * 1024 * 1024
PARTS = 4


class Segment:
    """A segment that this process writes; `size` is that of its whole frames, in bytes."""

    def __init__(self, folder: Path) -> None:
        # Names sort by time.
        name = f"{time.time_ns() // 1000:016d}-{secrets.token_hex(4)}{SUFFIX}"
        self.path = folder / name
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._handle = os.open(self.path, flags, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        self.size = 0

    def append(self, payload: bytes) -> None:
        """Append a frame, whole or not at all. Raises OSError."""
        written = frame(payload)
        try:
            rest = memoryview(written)
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError:
            # What a full disk took of it would hide the frames that follow.
            os.ftruncate(self._handle, self.size)
            raise
        self.size += len(written)

    def close(self) -> None:
        """Finish the segment; one without a frame is removed."""
        if self.size == 0:
            self.path.unlink(missing_ok=True)
        else:
            with suppress(OSError):
                os.fsync(self._handle)
        os.close(self._handle)


class Spool:
    """The folder of the segments; at most `most_bytes` of them wait in it."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder = folder
        self._most_bytes = most_bytes

    def begin(self) -> Segment:
        """Return a new segment. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            segment = Segment(self.folder)
            # Whoever archives may have locked it first, found nothing in it, and removed it.
            if segment.path.exists():
                return segment
            segment.close()

    def has_room(self, size: int) -> bool:
        """Tell whether so many bytes more may wait."""
        return sum(map(_size, self.paths())) + size <= self._most_bytes

    @property
    def longest(self) -> int:
        """The size at which a segment is finished, and is archived before all is full."""
        return min(LONGEST_SEGMENT, self._most_bytes // PARTS)

    def paths(self) -> list[Path]:
        """Return the segments, the oldest first, those among them that are being written."""
        return sorted(self.folder.glob(f"*{SUFFIX}"))

    def finished(self) -> Iterator[Path]:
        """Yield the segments that nobody writes any more, each locked while it is out."""
        for path in self.paths():
            with _locked(path) as free:
                if free:
                    yield path

    def growing(self) -> Iterator[Path]:
        """Yield the segments that somebody writes; what is whole in them can be read."""
        for path in self.paths():
            with _locked(path) as free:
                if not free and path.exists():
                    yield path

    @contextmanager
    def alone(self, patience: float) -> Iterator[bool]:
        """Hold the lock of the one process that archives; false where another has it too long."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.folder / ".archiving", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield _lock(handle, time.monotonic() + patience)
        finally:
            os.close(handle)


def _lock(handle: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _lock(handle, 0.0)
    finally:
        os.close(handle)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
