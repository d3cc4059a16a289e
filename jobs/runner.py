"""Runs a claimed job in a child process, and writes down what becomes of it."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from errors import StoreUnavailable
from jobs.claim import Claim, ClaimLost
from jobs.job import Result
from jobs.memory import memory_left
from jobs.messages import Ended, MayRegister, Message, Refused, Start
from jobs.training_process import TrainingProcess
from jobs.training_progress import TrainingProgress
from jobs.uploads import Uploads
from policy import LESS_MEMORY

logger = logging.getLogger("mirante.jobs")

TICK = 0.25  # seconds between two looks at the child and at the stop signal
RENEWAL = 1.0  # seconds between two writes: how soon a cancelled job's child ends
MEBIBYTE = 1024 * 1024
GRACE = 10.0  # seconds for a child that is registering its version to finish that


class Limits(NamedTuple):
    """What one training may take: seconds, and bytes of memory (None: what is left by then)."""

    seconds: float
    memory: int | None = None
    on_dyno: bool = False


class Stopping(Exception):
    """The worker was asked to end."""


class Runner:
    """Trains claimed jobs, each in a child process made by `command`."""

    def __init__(
        self, uploads: Uploads, command: Sequence[str], limits: Limits, stop: threading.Event
    ) -> None:
        self._uploads = uploads
        self._command = command
        self._limits = limits
        self._stop = stop

    def run(self, claim: Claim) -> None:
        """Train a claimed job to its end, whatever that is. Raises StoreUnavailable."""
        try:
            outcome = self._train(claim)
            claim.end(outcome)
            logger.info("job %s ended: %s", claim.job.id, _line(outcome))
        except ClaimLost:
            logger.info("job %s is no longer held here; its training was ended", claim.job.id)
        except Stopping:
            with contextlib.suppress(ClaimLost):
                claim.give_back()
            logger.info("job %s was given back to the queue", claim.job.id)

    def _train(self, claim: Claim) -> Result | str:
        job = claim.job
        memory = self._limits.memory or memory_left(self._limits.on_dyno)
        start = Start(job.id, job.order, memory)
        with contextlib.ExitStack() as stack:
            data = None
            if job.upload is not None:
                data = stack.enter_context(self._uploads.open(job.upload))
            child = stack.enter_context(TrainingProcess(self._command, start, data))
            logger.info("job %s is trained by process %d", job.id, child.pid)
            return Training(claim, child, self._limits.seconds, memory, self._stop).end()


class Training:
    """One child, watched until it ends or has to."""

    def __init__(
        self,
        claim: Claim,
        child: TrainingProcess,
        seconds: float,
        memory: int,
        stop: threading.Event,
    ) -> None:
        self._claim = claim
        self._child = child
        self._seconds = seconds
        self._memory = memory
        self._stop = stop
        self._progress = TrainingProgress()
        self._outcome: Result | str | None = None
        self._committing = False
        self._began = self._renewed = time.monotonic()
        self._reported: tuple[str | None, float] = (None, 0.0)
        self._stop_seen: float | None = None

    def end(self) -> Result | str:
        """Return what the child made, or the line that says why it made nothing.

        Raises ClaimLost and Stopping, with the child still running.
        """
        while self._outcome is None:
            messages = self._child.receive(TICK)
            if messages is None:
                return self._how_it_ended()
            for message in messages:
                self._receive(message)
            if self._progress.stage != self._reported[0]:
                self._report()
            self._check_stop()
            self._check_limits()
            self._renew()
        self._report()
        return self._outcome

    def _receive(self, message: Message) -> None:
        match message:
            case MayRegister():
                self._report()
                self._claim.commit()
                self._committing = True
                self._child.go()
            case Ended(result=result):
                self._outcome = result
            case Refused(line=line):
                self._outcome = line
            case _:
                self._progress.receive(message)

    def _check_stop(self) -> None:
        if self._stop.is_set() and self._outcome is None:
            now = time.monotonic()
            # A training that is registering its version is seconds from its end: worth the wait.
            self._stop_seen = self._stop_seen or now
            if not self._committing or now - self._stop_seen > GRACE:
                raise Stopping

    def _check_limits(self) -> None:
        if self._outcome is not None or self._committing:
            return
        if time.monotonic() - self._began > self._seconds:
            self._outcome = f"the training took longer than {self._seconds:g} seconds"
        elif self._child.memory() > self._memory:
            self._outcome = too_little(self._memory)

    def _renew(self) -> None:
        now = time.monotonic()
        if now - self._renewed >= RENEWAL:
            self._renewed = now
            self._claim.renew()
            self._report()

    def _report(self) -> None:
        state = (self._progress.stage, self._progress.fraction)
        lines = self._progress.new_lines()
        if not lines and state == self._reported:
            return
        self._reported = state
        with contextlib.suppress(StoreUnavailable):  # news only; `renew` minds the lease
            self._claim.report(*state, lines)

    def _how_it_ended(self) -> str:
        self._report()
        status = self._child.wait(GRACE)
        if status is None:
            return "the training process fell silent"
        if status == -signal.SIGKILL:
            return "the training process was killed, most often by too little memory"
        if status < 0:
            return f"the training process was ended by {signal.Signals(-status).name}"
        return f"the training process ended with status {status} and no result"


def too_little(memory: int) -> str:
    """Return the line of a training that needs more memory than these bytes."""
    allowed = memory // MEBIBYTE
    return f"the training needs more memory than the {allowed} MiB it may use: {LESS_MEMORY}"


def _line(outcome: Result | str) -> str:
    return outcome if isinstance(outcome, str) else f"version {outcome.version}"
