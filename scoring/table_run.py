"""Scores tables of any size: read in order, scored by all processors, written in order."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
import pyarrow as pa

from errors import Conflict, DatasetError, MiranteError
from learning.beyond.cluster import Cluster
from persistence.artifact import Artifact
from persistence.seal import Trust
from scoring.buckets import SCHEME, Bucket
from scoring.cluster_pool import ClusterPool
from scoring.inputs import Input
from scoring.options import Options
from scoring.outputs import Assembly, Kind, assembly, header_of, kind_of
from scoring.parts import Done, Parts, Plan
from scoring.workers import MODEL, Duty, InLine, Work, begin, encoded, hand_over, work
from tables.arrow_rows import ArrowEncoder
from tables.dialect import Dialect
from tables.readers.batches import BATCH_BYTES, BATCH_ROWS, Piece, read_batches
from tables.rows import RowCodec
from tables.schema import Schema

# Parts on their way, beside those that are worked on: a worker never waits for the reader.
AHEAD = 1


class Tally(NamedTuple):
    """How far a scoring is: rows answered and rejected, which share of the input is read.

    `unseen` is how many rows had a category that training never saw, by feature.
    """

    rows: int = 0
    rejected: int = 0
    share: float = 0.0
    unseen: Mapping[str, int] = {}

    def with_part(self, done: Done, share: float) -> Tally:
        """Return the tally with one more part."""
        names = dict.fromkeys((*self.unseen, *done.unseen))
        unseen = {n: self.unseen.get(n, 0) + done.unseen.get(n, 0) for n in names}
        return Tally(self.rows + done.rows, self.rejected + done.rejected, share, unseen)


class Job(NamedTuple):
    """What is asked for: tables, where the answers go, by which model and with how many processes.

    `resume` goes on with parts that are there, `overwrite` removes them, and the answers.
    A `cluster` scores in place of processes, and verifies the artifact by the keys of `trust`.
    `store` are the settings of buckets, `folder` is where parts are kept, beside the answers
    unless it is named.
    """

    inputs: Sequence[Input]
    out: str
    artifact: Artifact
    data: bytes
    options: Options
    processes: int
    resume: bool = False
    overwrite: bool = False
    store: Mapping[str, str] = {}
    folder: str = ""
    cluster: Cluster | None = None
    trust: Trust | None = None


def score_tables(
    job: Job, told: Callable[[Tally], None], stop: threading.Event | None = None
) -> Tally:
    """Score the tables of a job, and tell how far it is after each part.

    The answers stand under their name when they are whole, rejected rows beside them in
    `OUT.rejected`. Raises MiranteError: what was done by then is kept, and taken up by `resume`.
    """
    run = _Run(job, told, stop or threading.Event())
    try:
        return run.whole()
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise MiranteError("the disk is full: make room, and go on with --resume") from None
        raise MiranteError(f"the answers cannot be written: {error.strerror or error}") from None
    except BrokenProcessPool:
        raise MiranteError(
            "a scoring process was ended from outside, perhaps for want of memory: "
            "--resume goes on, with fewer by --processes"
        ) from None


class Stopped(MiranteError):
    """A scoring was stopped before it was done."""


class _Run:
    def __init__(self, job: Job, told: Callable[[Tally], None], stop: threading.Event) -> None:
        self._job, self._told, self._stop = job, told, stop
        self._kind = kind_of(job.out)
        self._remote = job.out.startswith(SCHEME)
        self._parts = Parts(_folder(job))
        self._schema: Schema = job.artifact.schema
        self._tally = Tally()
        self._names: tuple[str, ...] | None = None

    def whole(self) -> Tally:
        """Do all of it."""
        self._check_out()
        self._parts.begin(self._plan(), self._job.resume, self._job.overwrite)
        made, rejected = self._temporary(""), self._temporary(".rejected")
        try:
            with open(made, "wb") as sink, open(rejected, "wb") as bad:
                self._assemble(sink, bad)
            self._publish(made, rejected)
        finally:
            for path in (made, rejected):
                path.unlink(missing_ok=True)
            if not self._parts.any_done():
                self._parts.remove()
        self._parts.remove()
        return self._tally

    def _check_out(self) -> None:
        out = self._job.out
        if any(one.path == out for one in self._job.inputs):
            raise Conflict("the answers would overwrite the table that they are of")
        if not self._remote and os.path.exists(out) and not self._job.overwrite:
            resumed = self._job.resume and self._parts.folder.exists()
            if not resumed:
                raise Conflict(f"{out} is there already: --overwrite replaces it")

    def _plan(self) -> Plan:
        job = self._job
        inputs = tuple((one.path, one.size, one.tag) for one in job.inputs)
        kind = self._kind.name, self._kind.packing
        batch = BATCH_ROWS, BATCH_BYTES
        return Plan(job.artifact.sha256, inputs, encoded(job.options), kind, batch)

    def _temporary(self, ending: str) -> Path:
        if self._remote:
            return self._parts.folder / f"out{ending}"
        return Path(f"{self._job.out}{ending}.partial")

    def _about(self) -> dict[str, Any]:
        manifest = self._job.artifact.manifest
        return {
            "model": manifest.name,
            "version": manifest.version,
            "sha256": self._job.artifact.sha256,
            "options": msgspec.to_builtins(self._job.options),
        }

    # ------------------------------------------------ parts, in their order

    def _assemble(self, sink: IO[bytes], bad: IO[bytes]) -> None:
        whole = assembly(sink, self._kind, self._about())
        try:
            self._add_parts(whole, sink, bad)
        except BaseException:
            with contextlib.suppress(Exception):  # the first fault is the one to tell
                whole.close()
            raise
        whole.close()

    def _add_parts(self, whole: Assembly, sink: IO[bytes], bad: IO[bytes]) -> None:
        for index, done, share in self._finished():
            if self._names is None:
                sink.write(header_of(list(done.names), self._kind))
                self._names = done.names
            elif done.names != self._names and self._kind.name == "csv":
                raise DatasetError("the tables do not have the same columns in one order")
            whole.add(str(self._parts.path(index)))
            self._add_rejected(index, bad)
            self._tally = self._tally.with_part(done, share)
            self._told(self._tally)
        if self._names is None:
            raise DatasetError("the tables have no rows")

    def _add_rejected(self, index: int, bad: IO[bytes]) -> None:
        path = self._parts.path(index, ".rejected")
        if path.exists():
            if not bad.tell():
                names = ["file"] if len(self._job.inputs) > 1 else []
                bad.write(header_of([*names, "row", "field", "reason"], Kind("csv")))
            bad.write(path.read_bytes())

    def _finished(self) -> Iterator[tuple[int, Done, float]]:
        """Yield each part when it is done, and see that workers have enough to do."""
        pieces = self._pieces()
        first = next(pieces, None)
        if first is None:
            return
        waiting: deque[tuple[int, float, Future[Done] | Done]] = deque()
        with self._pool(*first[2]) as pool:
            try:
                for index, piece, _, file in _chain(first, pieces):
                    waiting.append((index, piece.done, self._started(pool, index, piece, file)))
                    while len(waiting) > self._job.processes + AHEAD:
                        yield self._next(waiting)
                while waiting:
                    yield self._next(waiting)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _next(self, waiting: deque[Any]) -> tuple[int, Done, float]:
        index, share, found = waiting.popleft()
        while isinstance(found, Future):
            if self._stop.is_set():
                raise Stopped("the scoring was stopped; --resume goes on with it")
            with contextlib.suppress(TimeoutError):
                found = found.result(timeout=0.5)
        return index, found, share

    def _started(self, pool: Executor, index: int, piece: Piece, file: str) -> Future[Done] | Done:
        done = self._parts.done(index)
        if done is not None:
            return done
        hand_over(self._parts, index, piece)
        return pool.submit(work, Work(index, file))

    def _pool(self, dialect: Dialect | None, formats: Any) -> Executor:
        job = self._job
        signed_by = job.artifact.signed_by
        folder = str(self._parts.folder)
        (self._parts.folder / MODEL).write_bytes(job.data)
        duty = Duty(
            job.artifact.sha256, job.options, dialect, formats, self._kind, folder, signed_by
        )
        if job.cluster is not None:
            return ClusterPool(job.cluster, duty, job.trust)
        if job.processes == 1:
            return InLine(duty)
        # Not forked: a runtime's threads, and the bucket's, do not survive that.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(job.processes, context, begin, (duty, os.getpid()))

    # ------------------------------------------------ reading

    def _pieces(self) -> Iterator[Any]:
        """Yield the pieces of all tables; the first says how all numbers are written."""
        index, several = 0, len(self._job.inputs) > 1
        total = max(1, sum(one.size for one in self._job.inputs))
        read, known = 0, None
        for one in self._job.inputs:
            with one.open(self._job.store) as source:
                batches = read_batches(source, one.size)
                for piece in batches.pieces:
                    if known is None or batches.dialect != known[0]:
                        known = batches.dialect, self._formats(piece.table, batches.dialect)
                    share = (read + piece.done * one.size) / total
                    yield index, piece._replace(done=share), known, one.path if several else ""
                    index += 1
            read += one.size

    def _formats(self, table: pa.Table, dialect: Dialect | None) -> Any:
        """Return how numbers are written, by the first rows; names are checked before the work."""
        encoder = ArrowEncoder(RowCodec(self._schema), dialect=dialect)
        encoder.encode(table)
        return encoder.formats

    # ------------------------------------------------ the end

    def _publish(self, made: Path, rejected: Path) -> None:
        """Give the files their names, the answers last: where they are, all of it is there."""
        about = msgspec.json.encode(
            {**self._about(), "rows": self._tally.rows, "rejected": self._tally.rejected}
        )
        if self._remote:
            self._upload(made, rejected, about)
            return
        out = self._job.out
        if rejected.stat().st_size:
            rejected.replace(f"{out}.rejected")
        else:
            Path(f"{out}.rejected").unlink(missing_ok=True)
        if self._kind.is_text:
            Path(f"{out}.model.json").write_bytes(about)
        _flush(made)
        made.replace(out)

    def _upload(self, made: Path, rejected: Path, about: bytes) -> None:
        out, store = self._job.out, self._job.store
        if rejected.stat().st_size:
            Bucket(f"{out}.rejected", store).upload(rejected)
        if self._kind.is_text:
            path = self._parts.folder / "about"
            path.write_bytes(about)
            Bucket(f"{out}.model.json", store).upload(path)
        Bucket(out, store).upload(made)


def _chain(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _folder(job: Job) -> Path:
    if job.folder:
        return Path(job.folder)
    if not job.out.startswith(SCHEME):
        return Path(f"{job.out}.parts")
    name = sha256(job.out.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"mirante-score-{os.getuid()}-{name}"


def _flush(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())
