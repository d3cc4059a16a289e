"""The worker's loop: claims jobs, one at a time, and has each trained in a process of its own."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Sequence

from errors import MiranteError, StoreUnavailable
from jobs.claim import Claim
from jobs.errand import Errand
from jobs.queue import JobQueue
from jobs.runner import Limits, Runner

logger = logging.getLogger("mirante.worker")

IDLE = 0.5  # seconds between two looks at an empty queue
PAUSE = 5.0  # seconds to wait for a database that is away
LONGEST_SILENCE = 10.0  # seconds between two signs of life, at most


def work(
    queue: JobQueue,
    command: Sequence[str],
    limits: Limits,
    stop: threading.Event,
    errands: Sequence[Errand] = (),
) -> None:
    """Claim jobs and run them until `stop` is set; `command` starts a training process.

    While no job runs, errands are attended to.
    """
    owner = f"{socket.gethostname()[:80]}-{os.getpid()}-{os.urandom(4).hex()}"
    runner = Runner(queue.uploads, command, limits, stop)
    upkeep = Upkeep(queue, owner)
    logger.info("worker %s waits for jobs", owner)
    said = ""
    while not stop.is_set():
        for errand in errands:
            errand.attend()
        try:
            upkeep.attend()
            job = queue.claim(owner)
            said = ""
            if job is None:
                stop.wait(IDLE)
            else:
                runner.run(Claim(queue, job, owner))
        except StoreUnavailable as error:
            # Said once, not at every try.
            if str(error) != said:
                said = str(error)
                logger.warning("%s; tried again every %g seconds", said, PAUSE)
            stop.wait(PAUSE)
    for errand in errands:
        errand.leave()
    upkeep.leave()


class Upkeep:
    """What an idle worker does now and then: it says that it lives, and reaps lost jobs."""

    def __init__(self, queue: JobQueue, owner: str) -> None:
        self._queue = queue
        self._owner = owner
        self._every = min(LONGEST_SILENCE, queue.lease / 3)
        self._attended = float("-inf")

    def attend(self) -> None:
        """Do it if it is time. Raises StoreUnavailable."""
        if time.monotonic() - self._attended > self._every:
            self._queue.table.note_worker(self._owner)
            self._queue.reap()
            self._attended = time.monotonic()

    def leave(self) -> None:
        """Write down that this worker ends, if the database can be reached."""
        try:
            self._queue.table.forget_worker(self._owner)
        except MiranteError as error:
            logger.warning("%s", error)
