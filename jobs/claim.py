"""A job in the hands of one worker, for as long as its lease is renewed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from errors import StoreUnavailable
from jobs.job import Job, Result
from jobs.queue import JobQueue

PAUSE = 1.0  # seconds between two tries to reach a database that is away


class ClaimLost(Exception):
    """The job is no longer this worker's: cancelled, taken back, or not provably held."""


class Claim:
    """What a worker may do with the job it took; each step fails with ClaimLost once it lost it."""

    def __init__(self, queue: JobQueue, job: Job, owner: str) -> None:
        self.job = job
        self._queue = queue
        self._owner = owner
        self._held = self._reaped = time.monotonic()

    def renew(self) -> None:
        """Say that the worker lives and holds the job, and look after others' lost jobs.

        A database that is away is borne for as long as the lease lasts.
        """
        now = time.monotonic()
        try:
            self._queue.table.note_worker(self._owner)
            held = self._queue.table.hold(self.job.id, self._owner, self._queue.lease)
            if now - self._reaped > self._queue.lease / 2:
                self._reaped = now
                self._queue.reap()
        except StoreUnavailable:
            held = now - self._held < self._queue.lease
        else:
            self._held = now
        if not held:
            raise ClaimLost

    def report(self, stage: str | None, fraction: float, lines: Sequence[str]) -> None:
        """Write down how far the training is. Raises StoreUnavailable."""
        self._queue.table.report(self.job.id, self._owner, stage, fraction, lines)

    def commit(self) -> None:
        """Make sure of the job before its version is registered; it cannot be cancelled after."""
        lease = self._queue.lease
        self._insist(lambda: self._queue.table.commit(self.job.id, self._owner, lease))

    def end(self, outcome: Result | str) -> None:
        """Write down what the training made, or the line that says why it failed."""
        if isinstance(outcome, Result):
            made = outcome
            self._insist(lambda: self._queue.table.succeed(self.job.id, self._owner, made))
            self._note(made)
        else:
            line = outcome
            self._insist(lambda: self._queue.table.fail(self.job.id, self._owner, line))

    def give_back(self) -> None:
        """Put the job back into the queue, untried: the worker is going away."""
        self._insist(lambda: self._queue.requeue(self.job.id, self._owner))

    def _note(self, made: Result) -> None:
        subject = f"{self.job.name} version {made.version}"
        who = f"job {self.job.id}"
        self._queue.audit.record(who, "register", subject)
        if made.promoted:
            self._queue.audit.record(who, "promote", subject)

    def _insist(self, write: Callable[[], bool]) -> None:
        # A database that is away for a moment must not cost a finished training.
        deadline = time.monotonic() + self._queue.lease
        while True:
            try:
                done = write()
                break
            except StoreUnavailable:
                if time.monotonic() > deadline:
                    raise ClaimLost from None
                time.sleep(PAUSE)
        if not done:
            raise ClaimLost
