"""Progress of a training that runs in a child process, told to its worker over a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO

import msgspec

from jobs.job import Result
from jobs.messages import Advanced, Ended, Go, MayRegister, Message, Noted, Refused, Staged, encode

# Before this stage begins the worker is asked: a job that was cancelled, or given
# to another worker meanwhile, must not leave a version behind.
LAST_CHECK = "register"
INTERVAL = 0.2
LONGEST_NOTE = 500


class PipeProgress:
    """The Progress that `build_model` is given in a child process; `job` is the job's id."""

    def __init__(
        self,
        reports: IO[bytes],
        answers: IO[bytes],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reports = reports
        self._answers = answers
        self._clock = clock
        self._done = 0
        self._reported = 0.0
        self.job = ""

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage; before `register`, wait until the worker allows it."""
        self._send(Staged(name, total))
        self._done, self._reported = 0, self._clock()
        if name == LAST_CHECK:
            self._send(MayRegister())
            self._wait()

    def advance(self, steps: int = 1) -> None:
        """Count steps of the stage; told a few times a second."""
        self._done += steps
        now = self._clock()
        if now - self._reported >= INTERVAL:
            self._reported = now
            self._send(Advanced(self._done))

    def note(self, text: str) -> None:
        """Add a line to the job's log."""
        self._send(Noted(text[:LONGEST_NOTE]))

    def end(self, outcome: Result | str) -> None:
        """Say how the training ended: what it made, or the line that says why it failed."""
        self._send(Ended(outcome) if isinstance(outcome, Result) else Refused(outcome))

    def _send(self, message: Message) -> None:
        self._reports.write(encode(message))
        self._reports.flush()

    def _wait(self) -> None:
        line = self._answers.readline()
        if not line:  # the worker is gone, and with it the right to this job
            raise SystemExit(1)
        msgspec.json.decode(line, type=Go)
