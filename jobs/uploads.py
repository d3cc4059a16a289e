"""Uploaded tables, kept in the database until their job ends: dynos share no disk."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from typing import IO

from jobs.database import JobsDatabase
from jobs.records import ChunkRow, JobRow

CHUNK = 1024 * 1024
# An upload whose job was never made: the process that took it in was killed in between.
ORPHAN_AGE = 3600.0


class Uploads:
    """Opaque bytes under an id, in parts of one mebibyte."""

    def __init__(self, jobs_database: JobsDatabase, clock: Callable[[], float] = time.time) -> None:
        self._jobs_database = jobs_database
        self._clock = clock

    def put(self, upload: str, stream: IO[bytes]) -> tuple[int, str]:
        """Keep what is left of the stream; return its size in bytes and its SHA-256."""
        now, size, digest = self._clock(), 0, hashlib.sha256()
        with self._jobs_database.session() as database:
            for part, data in enumerate(iter(lambda: stream.read(CHUNK), b"")):
                row = {"upload": upload, "part": part, "data": data, "created": now}
                ChunkRow.insert(**row).execute(database)
                size += len(data)
                digest.update(data)
        return size, digest.hexdigest()

    def open(self, upload: str) -> IO[bytes]:
        """Return the upload as a file that has no name, so that a killed process leaves none."""
        file = tempfile.TemporaryFile()  # noqa: SIM115  (the caller closes it)
        part = 0
        with self._jobs_database.session() as database:
            while True:
                where = (ChunkRow.upload == upload) & (ChunkRow.part == part)
                data = ChunkRow.select(ChunkRow.data).where(where).scalar(database)
                if data is None:
                    break
                file.write(data)
                part += 1
        file.seek(0)
        return file

    def part(self, upload: str, part: int) -> bytes | None:
        """Return one part of an upload, None behind the last one."""
        where = (ChunkRow.upload == upload) & (ChunkRow.part == part)
        with self._jobs_database.session() as database:
            data = ChunkRow.select(ChunkRow.data).where(where).scalar(database)
        return None if data is None else bytes(data)

    def erase(self, upload: str) -> None:
        """Delete an upload; SQLite overwrites its bytes."""
        with self._jobs_database.session() as database:
            ChunkRow.delete().where(ChunkRow.upload == upload).execute(database)
        self._jobs_database.scrub()

    def erase_orphans(self) -> None:
        """Delete uploads that no job refers to, once they are an hour old."""
        known = JobRow.select(JobRow.upload).where(JobRow.upload.is_null(False))
        jobs = JobRow.select(JobRow.id)  # under whose ids their results are kept
        old = ChunkRow.created < self._clock() - ORPHAN_AGE
        with self._jobs_database.session() as database:
            ChunkRow.delete().where(
                old, ChunkRow.upload.not_in(known), ChunkRow.upload.not_in(jobs)
            ).execute(database)
