"""The prediction log: answered requests, written to this machine's spool within a second.

Whoever answers gathers what is there already, in bytes. A thread of its own writes them, and
has finished segments archived by a process that ends when it is done.
"""

from __future__ import annotations

import errno
import itertools
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol
from weakref import ref

from monitoring.entries import Answered, Portion, Rows, Shadowed, encode, rows_of
from monitoring.shadow import Shadow
from monitoring.spool import Segment, Spool
from monitoring.subject import Answering, Selection, Subject, select

log = logging.getLogger("mirante.prediction_log")

# Seconds that what was noted waits for more; a process that is killed loses them. Each write
# costs whoever answers a change of threads.
WRITE_EVERY = 0.25
# Bytes that are written in one entry, and more only where one request has them.
LONGEST_PORTION = 256 * 1024
# So many requests at once are answered by a challenger.
SHADOWED_AT_ONCE = 64
# So many requests, with so many bytes of bodies, may wait for a challenger to answer them; any
# more are logged without its answer.
MOST_SHADOWED, MOST_SHADOWED_BYTES = 4096, 16 * 1024 * 1024
# Seconds in which whoever answers requests goes first, between two portions that a challenger
# answers: both need the interpreter.
REST = 0.001
# Bytes, about, that may wait to be written; the rows of any more are dropped.
MOST_WAITING = 64 * 1024 * 1024
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
        self._share = share
        self._count = count
        self._archiver = archiver
        self._gathered = Gathered(Selections(share, key), count)
        self._held: deque[Answered] = deque()  # until a challenger answers them too
        self._held_bytes = 0
        self._writer = Writer(spool, seconds, archiver.due, keep_seconds)
        self._starting = threading.Lock()
        self._is_awake = False
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def is_chosen(self) -> bool:
        """Tell by chance whether a request is logged."""
        return self._share >= 1.0 or random.random() < self._share  # noqa: S311 - no secret

    def note(self, answered: Answered) -> None:
        """Note a request that was answered, to be written within a second."""
        if self._shadow is None:
            self._gathered.add(answered)
        else:
            self._hold(answered, self._shadow)
        if not self._is_awake:
            self._wake()

    def _hold(self, answered: Answered, shadow: Shadow) -> None:
        # Two threads may lose each other's sum: it need not be exact.
        held = self._held_bytes + answered.size
        if len(self._held) < MOST_SHADOWED and held <= MOST_SHADOWED_BYTES:
            self._held_bytes = held
            self._held.append(answered)
            return
        self._gathered.add(answered)
        if shadow.challenger(answered.answering) is not None:
            shadow.count(QUEUE_FULL, len(answered.decoded.batch.matrix))

    def _wake(self) -> None:
        # By the first request and not before: a thread does not survive a fork.
        with self._starting:
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
            self._held_bytes = 0
            while self._held and self._shadow is not None:
                self._write_shadowed(self._shadow)
                self._stopping.wait(REST)
            for packed in self._gathered.taken():
                self._count(self._writer.write(packed), packed.rows)
            self._writer.turn()
        except Exception:  # a thread that ends would let what is noted wait for ever
            log.exception("predictions were not logged")

    def _write_shadowed(self, shadow: Shadow) -> None:
        alike: dict[int, list[Answered]] = {}
        for _ in range(min(SHADOWED_AT_ONCE, len(self._held))):
            answered = self._held.popleft()
            alike.setdefault(id(answered.answering), []).append(answered)
        for requests in alike.values():
            shadowed = shadow.answers(requests[0].answering, requests)
            packed = self._gathered.packed(requests, shadowed)
            if packed is not None:
                self._count(self._writer.write(packed), packed.rows)

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


class Gathered:
    """What was answered and is not written yet, by live model; `count` is told what is dropped."""

    def __init__(self, selections: Selections, count: Count) -> None:
        self._selections = selections
        self._count = count
        self._lock = threading.Lock()
        self._growing: dict[int, Portion] = {}  # a portion keeps its model, and so its id
        self._whole: deque[Portion] = deque()
        self._weight = 0

    def add(self, answered: Answered) -> None:
        """Add a request; it never raises."""
        with self._lock:
            if self._weight > MOST_WAITING:
                self._count(QUEUE_FULL, len(answered.decoded.batch.matrix))
                return
            place = id(answered[0])
            portion = self._growing.get(place)
            try:
                if portion is None:
                    portion = self._begin(answered.answering)
                self._weight += portion.add(answered)
            except Exception:  # whatever a model's answer is made of, it was given
                self._give_up(answered)
                return
            if portion.weight > LONGEST_PORTION:
                self._whole.append(self._growing.pop(place))

    def _begin(self, answering: Answering) -> Portion:
        portion = Portion(answering, self._selections.of(answering))
        self._growing[id(answering)] = portion
        return portion

    def _give_up(self, answered: Answered) -> None:
        """Drop a request, and those that it may have left half of itself among."""
        log.exception("predictions were not logged")
        portion = self._growing.pop(id(answered.answering), None)
        rows = len(answered.decoded.batch.matrix)
        if portion is not None:
            self._weight -= portion.weight
            rows += portion.rows
        self._count(FAULT, rows)

    def taken(self) -> Iterator[Packed]:
        """Yield what is to be written; it weighs until the next is asked for."""
        with self._lock:
            self._whole.extend(self._growing.values())
            self._growing = {}
        while self._whole:
            portion = self._whole.popleft()
            packed = self._packed(portion.selection, portion.rows, portion.entry)
            if packed is not None:
                yield packed
            with self._lock:
                self._weight -= portion.weight

    def packed(self, requests: Sequence[Answered], shadowed: Shadowed | None) -> Packed | None:
        """Return requests of one live model with what a challenger answered; None of a fault."""
        rows = sum([len(each.decoded.batch.matrix) for each in requests])
        selection = self._selections.of(requests[0].answering)
        return self._packed(selection, rows, lambda: rows_of(selection, requests, shadowed))

    def _packed(self, selection: Selection, rows: int, make: Callable[[], Rows]) -> Packed | None:
        try:
            return Packed(selection.subject, encode(make()), rows)
        except Exception:  # as above
            log.exception("predictions were not logged")
            self._count(FAULT, rows)
            return None


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
        new = packed.subject.number not in self._subjects
        entries = [encode(packed.subject), packed.payload] if new else [packed.payload]
        try:
            if not self._spool.has_room(sum(map(len, entries))):
                self.finish()  # it is archived, and then there is room
                return self._dropped(SPOOL_FULL, "as much waits to be archived as may")
            self._append(self._segment or self._begin(), packed.subject.number, entries)
        except OSError as error:
            return self._dropped(DISK_FULL if error.errno in _FULL else FAULT, error.strerror)
        self._said = ""
        return "written"

    def _begin(self) -> Segment:
        segment = self._segment = self._spool.begin()
        # By the clock, so that the processes of a machine finish theirs together.
        self._ends = (time.time() // self._seconds + 1) * self._seconds
        return segment

    def _append(self, segment: Segment, number: int, entries: Sequence[bytes]) -> None:
        for entry in entries:
            segment.append(entry)
            self._subjects.add(number)  # whose entry is the first
        if self._keep_seconds is not None:
            self._keeps = min(self._keeps, time.time() + self._keep_seconds)
        if segment.size >= self._spool.longest:
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
        self._subjects = set()
        self._keeps = float("inf")
        if segment is not None:
            segment.close()
            self._finished()
