"""The worker: takes training jobs from the queue and runs each in a child process.

    python worker.py              run jobs until SIGTERM or SIGINT (the Procfile's worker)
    python worker.py --embedded   keep such a worker running beside the web processes

The worker itself stays small: only the child, which lives as long as its job,
imports what learns.
"""

from __future__ import annotations

import errno
import faulthandler
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from errors import MiranteError
from jobs.orphan import die_with

if TYPE_CHECKING:  # imported where it is needed: a supervisor needs next to nothing
    from build_model import Built
    from config import Config
    from jobs.job import Order, Result
    from jobs.pipe_progress import PipeProgress
    from jobs.queue import JobQueue
    from learning.recipe import Recipe

logger = logging.getLogger("mirante.worker")

HERE = Path(__file__).resolve()
IDLE = 0.5  # seconds between two looks at an empty queue
# The most patient that the kernel knows: a prediction always goes first.
NICENESS = 19


def main(words: Sequence[str] | None = None) -> int:
    """Run as the words say; a fault that is known is one line."""
    match list(sys.argv[1:] if words is None else words):
        case []:
            return _as_worker()
        case ["--under", parent]:
            die_with(int(parent), signal.SIGTERM)
            return _as_worker()
        case ["--embedded"]:
            return _as_supervisor()
        case ["--embedded", parent]:
            die_with(int(parent), signal.SIGTERM)
            return _as_supervisor()
        case ["--job", reports, data, parent]:
            return train(int(reports), int(data), int(parent))
    print(__doc__, file=sys.stderr)
    return 2


# ---------------------------------------------------------------- the worker


def _as_worker() -> int:
    from config import read_config

    logging.basicConfig(level="INFO", format="%(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        work(read_config(os.environ), stop)
    except MiranteError as error:
        print(f"worker: {error}", file=sys.stderr)
        return 1
    return 0


def work(config: Config, stop: threading.Event) -> None:
    """Take jobs and run them, one at a time, until `stop` is set. Raises ConfigError."""
    from errors import StoreUnavailable
    from jobs.claim import Claim
    from jobs.runner import Limits, Runner

    queue = open_queue(config)
    owner = f"{socket.gethostname()[:80]}-{os.getpid()}-{os.urandom(4).hex()}"
    limits = Limits(config.job_time_limit, config.job_memory_limit, on_dyno=bool(config.dyno))
    command = [sys.executable, str(HERE), "--job"]
    runner = Runner(queue.uploads, command, limits, stop)
    keeper = Keeper(queue, owner)
    logger.info("worker %s waits for jobs", owner)
    while not stop.is_set():
        try:
            keeper.look()
            job = queue.take(owner)
            if job is None:
                stop.wait(IDLE)
            else:
                runner.run(Claim(queue, job, owner))
        except StoreUnavailable as error:
            logger.warning("%s; again in a moment", error)
            stop.wait(5)
    keeper.leave()


class Keeper:
    """What an idle worker does now and then: says that it lives, and looks after lost jobs."""

    def __init__(self, queue: JobQueue, owner: str) -> None:
        self._queue = queue
        self._owner = owner
        self._every = min(10.0, queue.lease / 3)
        self._looked = float("-inf")

    def look(self) -> None:
        """Do it if it is time. Raises StoreUnavailable."""
        if time.monotonic() - self._looked > self._every:
            self._queue.table.heard(self._owner)
            self._queue.reap()
            self._looked = time.monotonic()

    def leave(self) -> None:
        """Say that it lives no more, as far as anybody hears."""
        try:
            self._queue.table.gone(self._owner)
        except MiranteError as error:
            logger.warning("%s", error)


def open_queue(config: Config) -> JobQueue:
    """Return the queue of the configuration's database; nothing is connected to yet."""
    from jobs.database import Ledger
    from jobs.queue import JobQueue

    ledger = Ledger(config.database_url)
    return JobQueue(ledger, max_queued=config.max_queued_jobs, lease=config.job_lease_seconds)


# ---------------------------------------------------------------- beside the web processes


def start_embedded(database_url: str) -> subprocess.Popen[bytes]:
    """Start a supervised worker, which ends when the calling process does.

    With SQLite it is started when there is a database: before, there is no job.
    """
    parent = str(os.getpid())
    command = [sys.executable, str(HERE), "--embedded", parent]
    # Words are seen by everybody on the machine: only a file's name is among them.
    _, sqlite, file = database_url.partition("sqlite:///")
    if sqlite:
        waiter = str(HERE.parent / "jobs" / "waiter.py")
        command = [sys.executable, "-I", "-S", waiter, parent, file, *command]
    return subprocess.Popen(command)


def _as_supervisor() -> int:
    from jobs.supervisor import supervise

    logging.basicConfig(level="INFO", format="%(levelname)s %(name)s: %(message)s")
    supervise([sys.executable, str(HERE), "--under", str(os.getpid())])
    return 0


# ---------------------------------------------------------------- the child


def train(reports: int, data: int, parent: int) -> int:
    """Train one job in this process, as its worker says on standard input."""
    die_with(parent)
    os.nice(NICENESS)
    faulthandler.enable()
    import msgspec

    from jobs.messages import Start
    from jobs.pipe_progress import PipeProgress

    answers = sys.stdin.buffer
    start = msgspec.json.decode(answers.readline(), type=Start)
    table = None if data < 0 else os.fdopen(data, "rb")
    progress = PipeProgress(os.fdopen(reports, "wb"), answers)
    progress.end(_outcome(start.order, start.memory, table, progress))
    return 0


def _outcome(
    order: Order, memory: int, table: IO[bytes] | None, progress: PipeProgress
) -> Result | str:
    from jobs.runner import too_little

    try:
        return _trained(order, memory, table, progress)
    except MiranteError as error:
        return str(error)
    except Exception as error:
        if _is_want_of_memory(error):
            return too_little(memory)
        logger.exception("a training failed with a fault that has no name")
        return f"the training failed with {type(error).__name__}; the worker's log has the cause"


def _trained(order: Order, memory: int, table: IO[bytes] | None, progress: PipeProgress) -> Result:
    from build_model import build_model
    from config import read_config
    from persistence.opening import open_registry

    registry = open_registry(**read_config(os.environ).registry)
    _limit_memory(memory)
    built = build_model(
        ordered_recipe(order, table),
        registry=registry,
        name=order.name,
        parameters=order.parameters,
        seed=order.seed or 0,
        promote=order.promote,
        progress=progress,
    )
    return _result(built)


def _result(built: Built) -> Result:
    import msgspec

    from jobs.job import Result

    comparison = built.verdict.comparison
    return Result(
        version=built.version,
        promoted=built.verdict.good,
        reason=built.verdict.reason,
        metrics=msgspec.to_builtins(built.metrics),
        comparison=None if comparison is None else msgspec.to_builtins(comparison),
    )


def _is_want_of_memory(error: Exception) -> bool:
    # A thread needs memory for its stack, and says so in its own way.
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or "can't start new thread" in str(error)
    )


def _limit_memory(size: int) -> None:
    # The worker ends a child that holds too much; this stops one that asks for it all at once.
    # Private writable memory, and not the address space, of which threads only reserve a lot,
    # and counted from here on, so that what a library merely maps does no harm. Linux alone has it.
    status = Path("/proc/self/status")
    if status.exists():
        used = next(line for line in status.read_text().splitlines() if line.startswith("VmData"))
        limit = int(used.split()[1]) * 1024 + size
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


# ---------------------------------------------------------------- orders


def ordered_recipe(order: Order, table: IO[bytes] | None = None) -> Recipe:
    """Return the recipe that an order names or, with an uploaded table, describes.

    Raises RecipeError.
    """
    from learning.estimators import ready_made
    from recipes import find_recipe
    from tables.readers import read_table

    if order.recipe is not None:
        return find_recipe(order.recipe)
    load = partial(read_table, table)  # type: ignore[arg-type]
    return ready_made(order.name, load, order.target or "", order.estimator or "forest")


def check_order(members: Mapping[str, Any]) -> None:
    """Raise RecipeError for an order whose recipe, estimator or parameters are not there."""
    import msgspec

    from jobs.job import Order

    order = msgspec.convert(members, Order)
    ordered_recipe(order).resolved(order.parameters)


if __name__ == "__main__":
    sys.exit(main())
