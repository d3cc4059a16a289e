"""The prediction log: answered requests, written to this machine's spool within a second.

Whoever answers only notes what is there already. A thread of its own writes it, and has
finished segments archived by a process that ends when it is done.
"""

from __future__ import annotations

import errno
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Protocol

from monitoring.entries import Answered, encode, rows_of
from monitoring.spool import Segment, Spool
from monitoring.subject import Selection, select

log = logging.getLogger("mirante.prediction_log")

# Seconds that what was noted waits for more; a process that is killed loses them.
WRITE_EVERY = 0.1
# Bytes of bodies that may wait to be written; the rows of any more are dropped.
MOST_WAITING = 64 * 1024 * 1024
# What is counted for a request beside its body.
OVERHEAD = 512
# Written at once: other threads wait for no more.
PORTION = 128
# A segment is finished at this size, in bytes.
LONGEST_SEGMENT = 16 * 1024 * 1024
# Seconds for the last segment to be archived, when the service ends.
LAST_PATIENCE = 10.0

QUEUE_FULL, DISK_FULL, SPOOL_FULL, FAULT = "queue_full", "disk_full", "spool_full", "fault"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

# Called with what became of rows, and how many: "written", or why they were dropped.
Count = Callable[[str, int], None]


class Archiver(Protocol):
    """Has finished segments archived, in another process."""

    def attend(self) -> None:
        """Start it if it is due."""
        ...

    def due(self) -> None:
        """Say that there is a finished segment."""
        ...

    def finish(self, patience: float) -> None:
        """Archive what there is, and wait so many seconds for it."""
        ...


class PredictionLog:
    """Writes down what was answered: `share` of the requests, chosen by chance.

    A segment is finished every `seconds` of the clock. `key` hashes what a recipe wants
    hashed; `count` is told of every row. `note` never raises and never waits.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        share: float,
        seconds: float,
        key: bytes,
        count: Count,
        archiver: Archiver,
    ) -> None:
        self._share = share
        self._waiting: deque[tuple[Answered, int]] = deque()
        self._bytes = 0
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._count = count
        self._archiver = archiver
        self._writer = Writer(spool, share, seconds, key, count, archiver.due)

    def is_chosen(self) -> bool:
        """Tell by chance whether a request is logged."""
        return self._share >= 1.0 or random.random() < self._share  # noqa: S311 - no secret

    def note(self, answered: Answered, body_bytes: int) -> None:
        """Note a request that was answered, to be written within a second."""
        size = 2 * body_bytes + OVERHEAD
        with self._lock:
            full = self._bytes + size > MOST_WAITING and self._bytes > 0
            self._bytes += 0 if full else size
        if full:
            self._count(QUEUE_FULL, len(answered.batch.matrix))
            return
        self._waiting.append((answered, size))
        if not self._awake.is_set():
            self._wake()

    def _wake(self) -> None:
        # By the first request and not before: a thread does not survive a fork.
        with self._lock:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="mirante-prediction-log", daemon=True
                )
                self._thread.start()
        self._awake.set()

    def _run(self) -> None:
        self._archiver.due()  # what a process before this one has left
        while not self._stopping.is_set():
            self._awake.wait(self._writer.patience())
            self._stopping.wait(WRITE_EVERY)
            self._awake.clear()
            self._write()
            self._archiver.attend()

    def _write(self) -> None:
        try:
            for portion in self._portions():
                self._writer.write(portion)
            self._writer.turn()
        except Exception:  # a thread that ends would let what is noted wait for ever
            log.exception("predictions were not logged")

    def _portions(self) -> Iterator[list[Answered]]:
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(PORTION, len(self._waiting)))]
            with self._lock:
                self._bytes -= sum(size for _, size in some)
            yield [answered for answered, _ in some]

    def close(self) -> None:
        """Write what was noted, finish the segment, and have it archived."""
        self._stopping.set()
        self._awake.set()
        if self._thread is None:
            return
        self._thread.join(LAST_PATIENCE)
        self._write()
        self._writer.finish()
        self._archiver.finish(LAST_PATIENCE)


class Writer:
    """Writes requests into segments; `finished` is called for each that is whole."""

    def __init__(
        self,
        spool: Spool,
        share: float,
        seconds: float,
        key: bytes,
        count: Count,
        finished: Callable[[], None],
    ) -> None:
        self._spool = spool
        self._share = share
        self._seconds = seconds
        self._key = key
        self._count = count
        self._finished = finished
        self._segment: Segment | None = None
        self._ends = 0.0
        self._selections: dict[int, tuple[object, Selection]] = {}
        self._said = ""

    def patience(self) -> float | None:
        """Return in how many seconds the segment ends, None where there is none."""
        return None if self._segment is None else max(0.0, self._ends - time.time())

    def write(self, answered: Sequence[Answered]) -> None:
        """Write requests, or count the rows of those that cannot be written."""
        alike = sorted(answered, key=lambda each: id(each.answering))
        for _, group in groupby(alike, key=lambda each: id(each.answering)):
            requests = list(group)
            outcome = self._outcome(requests)
            self._count(outcome, sum(len(each.batch.matrix) for each in requests))

    def _outcome(self, requests: Sequence[Answered]) -> str:
        try:
            if self._segment is None:
                if self._spool.is_full():
                    return self._dropped(SPOOL_FULL, "as much waits to be archived as may")
                self._begin()
            self._append(requests)
        except OSError as error:
            return self._dropped(DISK_FULL if error.errno in _FULL else FAULT, error.strerror)
        except Exception as error:
            log.exception("predictions were not logged")
            return self._dropped(FAULT, type(error).__name__)
        self._said = ""
        return "written"

    def _begin(self) -> None:
        now = time.time()
        self._segment = self._spool.begin()
        # By the clock, so that the processes of a machine finish theirs together.
        self._ends = (now // self._seconds + 1) * self._seconds
        self._selections = {}

    def _append(self, requests: Sequence[Answered]) -> None:
        assert self._segment is not None
        answering = requests[0].answering
        # The model is kept beside its id, which another could have after it.
        _, selection = self._selections.get(id(answering), (None, None))
        if selection is None:
            selection = select(answering, len(self._selections), self._share, self._key)
            self._segment.append(encode(selection.subject))
            self._selections[id(answering)] = answering, selection
        self._segment.append(encode(rows_of(selection, requests)))
        if self._segment.size >= LONGEST_SEGMENT:
            self.finish()

    def _dropped(self, reason: str, why: str | None) -> str:
        if self._said != reason:  # once, not for every request
            self._said = reason
            log.error("predictions are not logged: %s", why)
        return reason

    def turn(self) -> None:
        """Finish the segment if its time is over."""
        if self._segment is not None and time.time() >= self._ends:
            self.finish()

    def finish(self) -> None:
        """Finish the segment, if there is one."""
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()
            self._finished()
