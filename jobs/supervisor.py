"""Keeps one worker process running beside the web processes of a single dyno."""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Sequence

logger = logging.getLogger("mirante.jobs")

LONGEST_PAUSE = 60.0  # seconds before a worker that ends at once is started again
STEADY = 60.0  # seconds after which a worker counts as having run well
GRACE = 20.0  # seconds for a worker to give its job back; a dyno is killed after 30


def supervise(command: Sequence[str]) -> None:
    """Start the command again whenever it ends, with growing pauses, until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    pause = 1.0
    while not stop.is_set():
        began = time.monotonic()
        status = _run(command, stop)
        if stop.is_set():
            return
        pause = 1.0 if time.monotonic() - began > STEADY else min(pause * 2, LONGEST_PAUSE)
        logger.error("the training worker ended with %s; again in %g s", status, pause)
        stop.wait(pause)


def _run(command: Sequence[str], stop: threading.Event) -> int:
    with subprocess.Popen(command) as process:
        while (status := process.poll()) is None:
            if stop.wait(0.5):
                return _end(process)
    return status


def _end(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    try:
        return process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
