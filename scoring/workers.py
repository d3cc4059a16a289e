"""The processes that score: each has a runtime of its own, and makes one part at a time."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import Executor, Future
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from pyarrow import ipc

from errors import ArtifactDamaged, RowProblem
from persistence.seal import Trust
from scoring.options import Options
from scoring.outputs import Kind, part_of
from scoring.parts import Done, Parts
from scoring.scorer import Scored, Scorer, rejected_table
from tables.dialect import Dialect
from tables.readers.batches import Piece
from tables.rows import Formats

# A worker whose parent is gone ends so many seconds later.
WATCH_SECONDS = 1.0
# The endings of what is handed to a worker.
ROWS, REST = ".rows", ".rest"
MODEL = "model"


class Duty(NamedTuple):
    """What a worker does for as long as it lives: plain values, given to it at its start.

    The model's artifact is in the folder, of a sha256 (hex) that its parent has verified.
    """

    sha256: str
    options: Options
    dialect: Dialect | None
    formats: Formats
    kind: Kind
    folder: str
    signed_by: str | None


class Work(NamedTuple):
    """One part, whose rows are in the folder: small, because a pipe to a dead process is full soon.

    `file` is the name of the table where there are several, empty where there is one.
    """

    part: int
    file: str = ""


class Rest(msgspec.Struct):
    """What goes with a part's rows: their numbers, and the rows that could not be read."""

    first: int
    numbers: bytes = b""
    problems: tuple[RowProblem, ...] = ()


def hand_over(parts: Parts, part: int, piece: Piece) -> None:
    """Put a piece's rows where a worker finds them."""
    table = piece.table
    path = str(parts.path(part, ROWS))
    with pa.OSFile(path, "wb") as sink, ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    first = int(piece.numbers[0]) if len(piece.numbers) else 1
    numbers = piece.numbers.tobytes() if piece.problems else b""
    rest = msgspec.msgpack.encode(Rest(first, numbers, piece.problems))
    parts.path(part, REST).write_bytes(rest)


class Vouched:
    """Trust in what the parent process has verified: the bytes of a digest that it names."""

    def __init__(self, signed_by: str | None) -> None:
        self._signed_by = signed_by or ""

    def check(self, data: bytes, seal: str | None) -> str:
        """Return the id of the key that the parent found to be good."""
        return self._signed_by


class InLine(Executor):
    """Does the work at once, in this process: for tables that are not worth another."""

    def __init__(self, duty: Duty) -> None:
        self._worker = Worker(duty)

    def submit(self, call: Any, /, *given: Any, **named: Any) -> Future[Any]:
        """Return what is done already."""
        found: Future[Any] = Future()
        try:
            found.set_result(self._worker.make(given[0]))
        except Exception as error:
            found.set_exception(error)
        return found


_worker: Worker | None = None


def begin(duty: Duty, parent: int) -> None:
    """Make this process a worker. Ctrl-C is its parent's, which ends it."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    pa.set_cpu_count(1)
    _worker = Worker(duty)


def work(one: Work) -> Done:
    """Make a part in this process, which has begun. Raises MiranteError and OSError."""
    assert _worker is not None
    return _worker.make(one)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


class Answered(NamedTuple):
    """What a part came to: its answers, its rejected rows as lines of CSV, and how many."""

    data: bytes
    rejected: bytes
    done: Done


class Scoring:
    """Scores parts by an artifact's bytes, whose digest and seal are checked."""

    def __init__(self, duty: Duty, data: bytes, trust: Trust | None) -> None:
        if sha256(data).hexdigest() != duty.sha256:
            raise ArtifactDamaged("the model beside the parts is not the one that was verified")
        self._scorer = Scorer.of_artifact(data, duty.options, duty.dialect, trust)
        self._scorer.use_formats(duty.formats)
        self._kind = duty.kind

    def answer(self, rows: Any, rest: bytes, file: str) -> Answered:
        """Score a part's rows, in Arrow's file format. Raises MiranteError."""
        told = msgspec.msgpack.decode(rest, type=Rest)
        table = ipc.open_file(rows).read_all()
        scored = self._numbered(self._scorer.score_all(table, first=0), told, file)
        bad = len(set(scored.rejected.column("row").to_pylist()))
        done = Done(scored.table.num_rows, bad, tuple(scored.table.column_names), scored.unseen)
        return Answered(part_of(scored.table, self._kind), _lines(scored.rejected, file), done)

    def _numbered(self, scored: Scored, rest: Rest, file: str) -> Scored:
        """Return what was scored with the rows' own numbers, and those that were not read."""
        found = scored.rejected
        indices = found.column("row").to_numpy()
        own = np.frombuffer(rest.numbers, np.int64)
        rows = own[indices] if len(own) else indices + rest.first
        found = found.set_column(0, "row", pa.array(rows, pa.int64()))
        if rest.problems:
            found = pa.concat_tables([rejected_table(rest.problems, 0), found]).sort_by("row")
        self._scorer.check_rejected(found, file)
        return scored._replace(rejected=found)


class Worker:
    """Scores parts and keeps them."""

    def __init__(self, duty: Duty) -> None:
        trust = Vouched(duty.signed_by) if duty.signed_by is not None else None
        data = (Path(duty.folder) / MODEL).read_bytes()
        self._scoring = Scoring(duty, data, trust)
        self._parts = Parts(Path(duty.folder))

    def make(self, one: Work) -> Done:
        """Score a part's rows, and keep the part."""
        rows, rest = (self._parts.path(one.part, ending) for ending in (ROWS, REST))
        with pa.memory_map(str(rows)) as source:
            answered = self._scoring.answer(source, rest.read_bytes(), one.file)
        self._parts.keep(one.part, *answered)
        for path in (rows, rest):
            path.unlink()
        return answered.done


def _lines(rejected: pa.Table, file: str) -> bytes:
    if not len(rejected):
        return b""
    if file:
        files = pa.array([file] * len(rejected), pa.string())
        rejected = rejected.add_column(0, "file", files)
    return part_of(rejected, Kind("csv"))


def encoded(options: Options) -> bytes:
    """Return options as bytes, which are equal for equal options."""
    return msgspec.json.encode(options)
