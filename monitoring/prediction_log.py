"""The prediction log: answered requests, written to this machine's spool within a second.

Whoever answers only notes what is there already. A thread of its own writes it, and has
finished segments archived by a process that ends when it is done.
"""

from __future__ import annotations

import errno
import itertools
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol
from weakref import ref

from monitoring.entries import Answered, Shadowed, encode, rows_of
from monitoring.shadow import Shadow
from monitoring.spool import Segment, Spool
from monitoring.subject import Answering, Selection, Subject, select

log = logging.getLogger("mirante.prediction_log")

# Seconds that what was noted waits for more; a process that is killed loses them.
WRITE_EVERY = 0.1
# So many requests are packed at once, by whoever answers the last of them: what they are made
# of is then still in the processor's cache, and no thread has to wait for another's work.
PORTION = 64
# One with a longer body is packed at once, since it holds more memory.
LARGE = 64 * 1024
# So many requests, with so many bytes of bodies, may wait for a challenger to answer them; any
# more are packed without its answer.
MOST_SHADOWED, MOST_SHADOWED_BYTES = 4096, 16 * 1024 * 1024
# Seconds in which whoever answers requests goes first, between two portions that a challenger
# answers: both need the interpreter.
REST = 0.001
# Bytes that may wait to be written; the rows of any more are dropped.
MOST_WAITING = 64 * 1024 * 1024
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

    def patience(self) -> float | None:
        """Return in how many seconds to attend again, None where nothing is to be done."""
        ...

    def finish(self, patience: float) -> None:
        """Archive what there is, and wait so many seconds for it."""
        ...


class Packed(NamedTuple):
    """Requests of one live model, ready to be written."""

    subject: Subject
    payload: bytes
    rows: int


class PredictionLog:
    """Writes down what was answered: `share` of the requests, chosen by chance.

    A segment is finished every `seconds` of the clock, and what it has by then is archived every
    `keep_seconds`, where the disk may end with its machine. `key` hashes what a recipe wants
    hashed; `count` is told of every row. `shadow` lets challengers answer too, in the log's own
    thread. `note` never raises and never waits.
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
        keep_seconds: float | None = None,
        shadow: Shadow | None = None,
    ) -> None:
        self._shadow = shadow
        self._held = 0
        self._share = share
        self._count = count
        self._archiver = archiver
        self._selections = Selections(share, key)
        self._writer = Writer(spool, seconds, archiver.due, keep_seconds)
        self._waiting: deque[Answered] = deque()
        self._packed: deque[Packed] = deque()
        self._bytes = 0
        self._lock = threading.Lock()
        self._packing = threading.Lock()
        self._is_awake = False
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def is_chosen(self) -> bool:
        """Tell by chance whether a request is logged."""
        return self._share >= 1.0 or random.random() < self._share  # noqa: S311 - no secret

    def note(self, answered: Answered) -> None:
        """Note a request that was answered, to be written within a second."""
        self._waiting.append(answered)
        if self._is_due(answered.size):
            self._pack()
        if not self._is_awake:
            self._wake()

    def _is_due(self, size: int) -> bool:
        if self._shadow is None:
            return len(self._waiting) >= PORTION or size > LARGE
        self._held += size  # two threads may lose each other's sum: it need not be exact
        return len(self._waiting) >= MOST_SHADOWED or self._held > MOST_SHADOWED_BYTES

    def _pack(self, shadow: Shadow | None = None) -> None:
        with self._packing:
            some = [self._waiting.popleft() for _ in range(min(PORTION, len(self._waiting)))]
        alike: dict[int, list[Answered]] = {}
        for each in some:
            alike.setdefault(id(each.answering), []).append(each)
        for requests in alike.values():
            rows = sum([len(each.decoded.batch.matrix) for each in requests])
            if self._bytes > MOST_WAITING:
                self._count(QUEUE_FULL, rows)
                continue
            try:
                answering = requests[0].answering
                selection = self._selections.of(answering)
                shadowed = self._shadowed(shadow, answering, requests, rows)
                payload = encode(rows_of(selection, requests, shadowed))
            except Exception:  # whatever a model's answer is made of, it was given
                log.exception("predictions were not logged")
                self._count(FAULT, rows)
            else:
                self._weigh(len(payload))
                self._packed.append(Packed(selection.subject, payload, rows))

    def _shadowed(
        self,
        shadow: Shadow | None,
        answering: Answering,
        requests: list[Answered],
        rows: int,
    ) -> Shadowed | None:
        if shadow is not None:
            return shadow.answers(answering, requests)
        if self._shadow is not None and self._shadow.challenger(answering) is not None:
            self._shadow.count(QUEUE_FULL, rows)
        return None

    def _weigh(self, size: int) -> None:
        with self._lock:
            self._bytes += size

    def _wake(self) -> None:
        # By the first request and not before: a thread does not survive a fork.
        with self._lock:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="mirante-prediction-log", daemon=True
                )
                self._thread.start()
        self._is_awake = True
        self._awake.set()

    def _run(self) -> None:
        self._archiver.due()  # what a process before this one has left
        while not self._stopping.is_set():
            self._awake.wait(_sooner(self._writer.patience(), self._archiver.patience()))
            self._stopping.wait(WRITE_EVERY)
            self._awake.clear()
            self._is_awake = False
            self._write()
            self._archiver.attend()

    def _write(self) -> None:
        try:
            self._held = 0
            while self._waiting:
                self._pack(self._shadow)
                if self._shadow is not None:
                    self._stopping.wait(REST)
            while self._packed:
                packed = self._packed.popleft()
                self._count(self._writer.write(packed), packed.rows)
                self._weigh(-len(packed.payload))
            self._writer.turn()
        except Exception:  # a thread that ends would let what is noted wait for ever
            log.exception("predictions were not logged")

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


def _sooner(one: float | None, other: float | None) -> float | None:
    return min((each for each in (one, other) if each is not None), default=None)


class Selections:
    """What is logged of each live model, found again as long as it lives."""

    def __init__(self, share: float, key: bytes) -> None:
        self._share = share
        self._key = key
        self._numbers = itertools.count()
        self._known: dict[int, tuple[ref[Answering], Selection]] = {}

    def of(self, answering: Answering) -> Selection:
        """Return what is logged of a live model."""
        known = self._known.get(id(answering))
        # An id is another's once its owner is gone.
        if known is not None and known[0]() is answering:
            return known[1]
        selection = select(answering, next(self._numbers), self._share, self._key)
        alive = {i: known for i, known in self._known.items() if known[0]() is not None}
        self._known = {**alive, id(answering): (ref(answering), selection)}
        return selection


class Writer:
    """Writes what was packed into segments; `finished` is called for each that is whole.

    And every `keep_seconds` for one that is not, if there is something new in it.
    """

    def __init__(
        self,
        spool: Spool,
        seconds: float,
        finished: Callable[[], None],
        keep_seconds: float | None = None,
    ) -> None:
        self._keep_seconds = keep_seconds
        self._keeps = float("inf")  # when what is new is to be archived
        self._spool = spool
        self._seconds = seconds
        self._finished = finished
        self._segment: Segment | None = None
        self._subjects: set[int] = set()  # of this segment
        self._ends = 0.0
        self._said = ""

    def patience(self) -> float | None:
        """Return in how many seconds the segment ends, None where there is none."""
        if self._segment is None:
            return None
        return max(0.0, min(self._ends, self._keeps) - time.time())

    def write(self, packed: Packed) -> str:
        """Write what was packed, and return "written", or why it was dropped."""
        try:
            if self._segment is None and self._spool.is_full():
                return self._dropped(SPOOL_FULL, "as much waits to be archived as may")
            self._append(self._segment or self._begin(), packed)
        except OSError as error:
            return self._dropped(DISK_FULL if error.errno in _FULL else FAULT, error.strerror)
        self._said = ""
        return "written"

    def _begin(self) -> Segment:
        segment = self._segment = self._spool.begin()
        # By the clock, so that the processes of a machine finish theirs together.
        self._ends = (time.time() // self._seconds + 1) * self._seconds
        self._subjects = set()
        return segment

    def _append(self, segment: Segment, packed: Packed) -> None:
        number = packed.subject.number
        if number not in self._subjects:
            segment.append(encode(packed.subject))
            self._subjects.add(number)
        segment.append(packed.payload)
        if self._keep_seconds is not None:
            self._keeps = min(self._keeps, time.time() + self._keep_seconds)
        if segment.size >= LONGEST_SEGMENT:
            self.finish()

    def _dropped(self, reason: str, why: str | None) -> str:
        if self._said != reason:  # once, not for every request
            self._said = reason
            log.error("predictions are not logged: %s", why)
        return reason

    def turn(self) -> None:
        """Finish the segment if its time is over, or have archived what is new in it."""
        if self._segment is None:
            return
        now = time.time()
        if now >= self._ends:
            self.finish()
        elif now >= self._keeps:
            self._keeps = float("inf")
            self._finished()

    def finish(self) -> None:
        """Finish the segment, if there is one."""
        segment, self._segment = self._segment, None
        self._keeps = float("inf")
        if segment is not None:
            segment.close()
            self._finished()
