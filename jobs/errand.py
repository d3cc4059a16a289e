"""An errand: a command that a worker has run every so often, in a process of its own."""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Callable, Sequence

logger = logging.getLogger("mirante.worker")

GRACE = 5.0  # seconds for a process to end when its worker does


class Errand:
    """Starts a command now and every so many seconds, one at a time.

    One that takes longer than until the next is ended.
    """

    def __init__(
        self,
        command: Sequence[str],
        every: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = list(command)
        self._every = every
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._began = float("-inf")

    def attend(self) -> None:
        """Look after the process, and start it when it is time."""
        late = self._clock() - self._began >= self._every
        if self._process is not None:
            status = self._process.poll()
            if status is None and not late:
                return
            self._end(status)
        if late:
            self._began = self._clock()
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)

    def leave(self) -> None:
        """End the process, if it runs."""
        if self._process is not None:
            self._end(self._process.poll())

    def _end(self, status: int | None) -> None:
        process, self._process = self._process, None
        if process is None or status == 0:
            return
        if status is not None:
            logger.warning("%s ended with status %d", self._command[-1], status)
            return
        process.terminate()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
