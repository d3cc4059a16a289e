"""The training process: trains one job, as its worker says on standard input, and ends."""

from __future__ import annotations

import errno
import faulthandler
import logging
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec

from errors import MiranteError
from jobs.job import Order, Result
from jobs.messages import Start
from jobs.orphan import die_with
from jobs.pipe_progress import PipeProgress
from jobs.runner import too_little

logger = logging.getLogger("mirante.worker")

# The most patient that the kernel knows: a prediction always goes first.
NICENESS = 19

# Trains an order on its uploaded table, if it has one.
Train = Callable[[Order, IO[bytes] | None, PipeProgress], Result]


def run_child(reports: int, data: int, parent: int, load: Callable[[], Train]) -> int:
    """Train one job: `reports` and `data` are file descriptors, `data` -1 without a table.

    `load` imports what learns; the memory that this takes is not counted.
    """
    die_with(parent)
    os.nice(NICENESS)
    faulthandler.enable()
    answers = sys.stdin.buffer
    start = msgspec.json.decode(answers.readline(), type=Start)
    table = None if data < 0 else os.fdopen(data, "rb")
    progress = PipeProgress(os.fdopen(reports, "wb"), answers)
    progress.job = start.job
    progress.end(_outcome(start, table, progress, load))
    return 0


def _outcome(
    start: Start, table: IO[bytes] | None, progress: PipeProgress, load: Callable[[], Train]
) -> Result | str:
    try:
        train = load()
        limit_memory(start.memory)
        return train(start.order, table, progress)
    except MiranteError as error:
        return str(error)
    except Exception as error:
        if is_want_of_memory(error):
            return too_little(start.memory)
        logger.exception("a training failed with a fault that has no name")
        return f"the training failed with {type(error).__name__}; the worker's log has the cause"


def is_want_of_memory(error: Exception) -> bool:
    """Tell whether an error says that there is no more memory."""
    # A thread needs memory for its stack, and says so in its own way.
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        # LightGBM's own, of C++.
        or "bad_alloc" in str(error)
        or "can't start new thread" in str(error)
        or "Failed to launch worker thread" in str(error)
    )


def limit_memory(size: int) -> None:
    """Let this process have at most `size` more bytes than it has now.

    The worker ends a child that holds too much; this stops one that asks for it
    all at once. It counts private writable memory, and not the address space, of
    which threads only reserve a lot. Linux alone has it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        used = next(line for line in status.read_text().splitlines() if line.startswith("VmData"))
        limit = int(used.split()[1]) * 1024 + size
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
