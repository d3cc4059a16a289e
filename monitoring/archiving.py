"""Archiving: finished segments become Parquet files of the archive, and leave the spool.

The web process starts a process for it, which ends when it is done: PyArrow and the
archive's client are imported there alone.
"""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from errors import StoreUnavailable
from monitoring.archive import Archive
from monitoring.spool import Spool

log = logging.getLogger("mirante.archiving")

# Seconds until an archive that could not be reached is tried again.
AGAIN = 30.0
# Seconds between two looks at the process.
LOOK = 5.0
# Seconds to wait for a process that archives already: it may have begun before our segment was.
PATIENCE = 60.0
# A segment that has not grown for so many seconds was archived as it is.
RECENT = 900.0


class Archiving:
    """Starts the process that archives, when there is something, one at a time."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._due = float("inf")

    def due(self) -> None:
        """Say that there is a finished segment."""
        self._due = 0.0

    def patience(self) -> float | None:
        """Return in how many seconds to attend again, None where nothing is to be done.

        Also where nothing is answered meanwhile, what could not be archived is tried again.
        """
        if self._process is not None:
            return LOOK
        return None if self._due == float("inf") else max(0.0, self._due - time.monotonic())

    def attend(self) -> None:
        """Look after the process, and start it if it is due."""
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return
            self._process = None
            if status != 0:
                self._due = min(self._due, time.monotonic() + AGAIN)
        if time.monotonic() >= self._due:
            self._due = float("inf")
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)

    def finish(self, patience: float) -> None:
        """Archive what there is, and wait so many seconds for it."""
        deadline = time.monotonic() + patience
        for _ in range(2):  # the one that runs, and one that finds what it did not
            self.attend()
            if self._process is None:
                return
            try:
                self._process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                return  # it goes on by itself; or the next start finds the segment


def archive_segments(
    spool: Spool, archive: Archive, days: int, mebibytes: int, *, growing: bool = False
) -> int:
    """Archive every finished segment and return how many; then delete what is too old or too much.

    With `growing`, what the others have by now is archived too, under the key that they will
    have when they are finished. Raises StoreUnavailable, with the segments that are not
    archived still in the spool.
    """
    with spool.alone(PATIENCE) as alone:
        if not alone:
            return 0
        done = 0
        for path in spool.finished():
            _archive_segment(path, archive)
            done += 1
        for path in spool.growing() if growing else ():
            with suppress(FileNotFoundError, Damaged):  # it ended, and is looked at when it has
                if time.time() - path.stat().st_mtime < RECENT:  # else nothing is new in it
                    _keep(path, archive)
        if done or not growing:  # to list all there is takes long, and is done once an hour
            archive.trim(days, mebibytes, datetime.now(UTC))
        return done


def _archive_segment(path: Path, archive: Archive) -> None:
    try:
        _keep(path, archive)
    except Damaged:
        # Kept for who looks into it; it must not stand in the way of the others.
        log.exception("a segment cannot be read")
        path.rename(path.with_suffix(".damaged"))
        return
    # Not before all of it is kept: whoever is killed here archives it again, under the same keys.
    path.unlink()


class Damaged(Exception):
    """A segment is none."""


def _keep(path: Path, archive: Archive) -> None:
    """Keep what a segment has. Raises Damaged and StoreUnavailable."""
    from monitoring.parquet import tables_of, to_parquet

    try:
        tables = list(tables_of(path.read_bytes()))
    except Exception as error:
        raise Damaged from error
    for number, (subject, table) in enumerate(tables):
        moment = table["time"][0].as_py()
        archive.keep(subject.model, moment, f"{path.stem}-{number}", to_parquet(table))


def archive_once(
    spool: Spool, archive: Archive, days: int, mebibytes: int, *, growing: bool = False
) -> int:
    """Archive as a process of its own; return its exit status."""
    try:
        archive_segments(spool, archive, days, mebibytes, growing=growing)
    except StoreUnavailable as error:
        log.warning("%s; what was logged waits in the spool", error)
        return 1
    return 0
