"""The worker: claims training jobs and trains each in a process of its own.

    python worker.py              run jobs until SIGTERM or SIGINT (the Procfile's worker)
    python worker.py --embedded   keep such a worker running beside the web processes
    python worker.py --archive    archive what the prediction log has in its spool, and end
    python worker.py --drift      look at what the prediction log has that is new, and end

The worker itself stays small: only the training process, which lives as long as
its job, imports what learns. Late imports keep it so.
"""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from errors import ConfigError, Conflict, DatasetError, MiranteError
from jobs.orphan import die_with

if TYPE_CHECKING:
    from build_model import Built
    from config import Config
    from jobs.child import Train
    from jobs.job import Order, Result
    from jobs.pipe_progress import PipeProgress
    from jobs.queue import JobQueue
    from learning.recipe import Recipe
    from monitoring.drift_documents import DriftDocuments
    from monitoring.prediction_log import Count, PredictionLog
    from monitoring.replay import Replays
    from monitoring.shadow import Shadow
    from monitoring.spool import Spool
    from persistence.registry import Alias

HERE = Path(__file__).resolve()
# A router in front waits half a minute for an answer.
DESCRIBE_SECONDS = 25
LOG_OFF = "no prediction log is kept here: set PREDICTION_LOG"
# A segment of the prediction log is finished so often.
LOG_SECONDS = 3600.0


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
        case ["--describe"]:
            return _as_describer()
        case ["--archive" | "--drift" as errand]:
            return _as_archivist() if errand == "--archive" else _as_drift_watch()
        case ["--job", reports, data, parent]:
            return _as_child(int(reports), int(data), int(parent))
    print(__doc__, file=sys.stderr)
    return 2


def _as_worker() -> int:
    from config import read_config
    from jobs.errand import Errand
    from jobs.runner import Limits
    from jobs.worker import work

    logging.basicConfig(level="INFO", format="%(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        config = read_config(os.environ)
        limits = Limits(config.job_time_limit, config.job_memory_limit, on_dyno=bool(config.dyno))
        errands = []
        if config.prediction_log:
            errands.append(Errand([sys.executable, str(HERE), "--drift"], config.drift_seconds))
        work(open_queue(config), [sys.executable, str(HERE), "--job"], limits, stop, errands)
    except MiranteError as error:
        print(f"worker: {error}", file=sys.stderr)
        return 1
    return 0


def _as_supervisor() -> int:
    from jobs.supervisor import supervise

    logging.basicConfig(level="INFO", format="%(levelname)s %(name)s: %(message)s")
    supervise([sys.executable, str(HERE), "--under", str(os.getpid())])
    return 0


def _as_child(reports: int, data: int, parent: int) -> int:
    from jobs.child import run_child
    from learning.processors import let_threads_rest

    let_threads_rest()  # before a library that has threads is loaded
    return run_child(reports, data, parent, _load_training)


def _as_describer() -> int:
    from build_model import description_of, shown

    try:
        order = _order_of_table(json.loads(sys.stdin.buffer.readline()))
        found = description_of(ordered_recipe(order, sys.stdin.buffer))
    except MiranteError as error:
        print(error, file=sys.stderr)
        return 1
    print(shown(found.document()))
    return 0


def _as_archivist() -> int:
    from config import read_config
    from monitoring.archive import open_archive
    from monitoring.archiving import archive_once

    logging.basicConfig(level="INFO", format="%(levelname)s %(name)s: %(message)s")
    # A platform that stops a dyno tells all of its processes: this one ends by itself, and soon.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    try:
        config = read_config(os.environ)
        archive = open_archive(config.log_address, config.store_options)
        limits = config.prediction_log_days, config.prediction_log_mb
        elsewhere = "://" in config.log_address
        return archive_once(open_spool(config), archive, *limits, growing=elsewhere)
    except MiranteError as error:
        print(f"worker: {error}", file=sys.stderr)
        return 2


def _as_drift_watch() -> int:
    from config import read_config

    logging.basicConfig(level="INFO", format="%(levelname)s %(name)s: %(message)s")
    try:
        look_at_drift(read_config(os.environ))
    except MiranteError as error:
        print(f"worker: {error}", file=sys.stderr)
        return 1
    return 0


def _order_of_table(members: Mapping[str, Any]) -> Order:
    import msgspec

    from jobs.job import Order

    return msgspec.convert({"name": "described", "target": "", **members}, Order)


def describe(table: IO[bytes], members: Mapping[str, Any]) -> bytes:
    """Return the JSON description of a table, read as an order's members say.

    A process of its own reads it: a web process would keep the memory. Raises DatasetError.
    """
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps(members).encode() + b"\n")
        shutil.copyfileobj(table, file)
        file.seek(0)
        command = [sys.executable, str(HERE), "--describe"]
        try:
            done = subprocess.run(
                command, stdin=file, capture_output=True, timeout=DESCRIBE_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise DatasetError(f"the table takes over {DESCRIBE_SECONDS} s to read") from None
    if done.returncode == 1 and done.stderr.count(b"\n") == 1:
        raise DatasetError(done.stderr.decode().strip())
    done.check_returncode()
    return done.stdout


def _load_training() -> Train:
    import build_model  # noqa: F401 - `train` uses it

    return train


def start_embedded(database_url: str, at_once: bool = False) -> subprocess.Popen[bytes]:
    """Start a supervised worker, which ends when the calling process does.

    With SQLite it is started when there is a database: before, there is no job. One that
    has more to do than jobs is started `at_once`.
    """
    parent = str(os.getpid())
    command = [sys.executable, str(HERE), "--embedded", parent]
    # Everybody on the machine sees these words: only a file's name is among them.
    _, sqlite, file = database_url.partition("sqlite:///")
    if sqlite and not at_once:
        wait = str(HERE.parent / "jobs" / "wait_for_database.py")
        command = [sys.executable, "-I", "-S", wait, parent, file, *command]
    return subprocess.Popen(command)


def open_queue(config: Config) -> JobQueue:
    """Return the queue of the configuration's database; nothing is connected to yet."""
    from jobs.database import JobsDatabase
    from jobs.queue import JobQueue

    database = JobsDatabase(config.database_url)
    return JobQueue(database, max_queued=config.max_queued_jobs, lease=config.job_lease_seconds)


# ---------------------------------------------------------------- the prediction log


def open_spool(config: Config) -> Spool:
    """Return the spool of the configuration's prediction log."""
    from monitoring.archive import MEBIBYTE, spool_of
    from monitoring.spool import Spool

    folder = spool_of(config.log_address, config.prediction_log_spool)
    return Spool(folder, config.prediction_log_spool_mb * MEBIBYTE)


def open_challengers(config: Config) -> Callable[[str], Alias | None] | None:
    """Return what gives the challenger of a model that answers too, None where none is to.

    Raises ConfigError.
    """
    if not config.shadow:
        return None
    if not config.prediction_log or config.models_folder:
        raise ConfigError(
            "SHADOW: expected PREDICTION_LOG too, where its answers go, and a MODEL_STORE"
        )
    from persistence.opening import open_registry

    return open_registry(**config.registry).challenger


def open_prediction_log(
    config: Config, count: Count, shadow: Shadow | None = None
) -> PredictionLog | None:
    """Return the configuration's prediction log, None where it has none.

    Nothing is written or started yet. Raises ConfigError and DependencyError.
    """
    if not config.prediction_log:
        return None
    from monitoring.archive import open_archive
    from monitoring.archiving import Archiving
    from monitoring.prediction_log import PredictionLog

    open_archive(config.log_address, config.store_options)  # an address that is none ends the start
    elsewhere = "://" in config.log_address
    return PredictionLog(
        open_spool(config),
        share=config.prediction_log_sample,
        seconds=LOG_SECONDS,
        keep_seconds=config.prediction_log_seconds if elsewhere else None,
        key=config.prediction_log_key.encode(),
        count=count,
        archiver=Archiving([sys.executable, str(HERE), "--archive"]),
        shadow=shadow,
    )


def open_drift_reports(config: Config) -> Callable[[str], dict[str, Any] | None] | None:
    """Return what reads a model's last report of drift, None where nothing is logged."""
    documents = open_drift_documents(config)
    return None if documents is None else documents.report


def open_drift_documents(config: Config) -> DriftDocuments | None:
    """Return the documents of drift, None where nothing is logged."""
    if not config.prediction_log:
        return None
    from monitoring.archive import open_archive
    from monitoring.drift_documents import DriftDocuments

    return DriftDocuments(open_archive(config.log_address, config.store_options))


def look_at_drift(config: Config) -> None:
    """Look at the new rows of each champion, and write its report. Raises MiranteError."""
    from datetime import UTC, datetime

    from monitoring.archive import open_archive
    from monitoring.drift_documents import DriftDocuments
    from monitoring.drift_upkeep import LATE, LATE_ELSEWHERE, DriftUpkeep
    from monitoring.feedback import Arrivals
    from monitoring.reading import LogReader
    from persistence.opening import open_registry

    archive = open_archive(config.log_address, config.store_options)
    late = LATE_ELSEWHERE if "://" in config.log_address else LATE
    registry = open_registry(**config.registry)
    reader = LogReader(archive, open_spool(config))
    truths = Arrivals(archive, reader, config.prediction_log_days)
    upkeep = DriftUpkeep(registry, reader, DriftDocuments(archive), late, truths)
    upkeep.look(list(config.models) or registry.names(), datetime.now(UTC))


# ---------------------------------------------------------------- orders


def train(order: Order, table: IO[bytes] | None, progress: PipeProgress) -> Result:
    """Train an order, on its uploaded table if it has one. Raises MiranteError."""
    from build_model import build_model
    from config import read_config
    from monitor import open_replays
    from persistence.opening import open_registry

    config = read_config(os.environ)
    if order.score is not None:
        from score_order import score_order

        return score_order(order, table, progress, config)
    registry = open_registry(**config.registry)
    replays = open_replays(config, registry)
    if order.replay is not None:
        return _replayed(order, replays, progress)
    built = build_model(
        ordered_recipe(order, table),
        registry=registry,
        name=order.name,
        parameters=order.parameters,
        seed=order.seed or 0,
        promote=order.promote,
        progress=progress,
        replays=replays,
    )
    return _result(built)


def _replayed(order: Order, replays: Replays | None, progress: PipeProgress) -> Result:
    from jobs.job import Result
    from monitoring.replay import DAYS
    from monitoring.replay_verdict import in_words, told

    if replays is None:
        raise Conflict(LOG_OFF)
    progress.stage("compare")
    version = order.replay or ""
    found = replays.of_version(order.name, version, order.days or DAYS)
    replays.keep(order.name, version, told(found))
    reason = "; ".join(in_words(found))
    return Result(version, promoted=False, reason=reason, replay=told(found))


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
        replay=built.verdict.replay,
    )


def ordered_recipe(order: Order, table: IO[bytes] | None = None) -> Recipe:
    """Return the recipe that an order names or, with an uploaded table, describes.

    Raises RecipeError.
    """
    from learning.estimators import ready_made
    from recipes import find_recipe

    if order.recipe is not None:
        return find_recipe(order.recipe)
    estimator = order.estimator or "forest"
    recipe = ready_made(order.name, table or io.BytesIO(), order.target or "", estimator)
    return recipe.overridden(order)


def check_order(members: Mapping[str, Any]) -> None:
    """Raise RecipeError for an order whose recipe, estimator or parameters are not there."""
    import msgspec

    from jobs.job import Order

    order = msgspec.convert(members, Order)
    ordered_recipe(order).resolved(order.parameters)


if __name__ == "__main__":
    sys.exit(main())
