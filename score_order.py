"""Scores the table of a job: what a training process does with an order that has a scoring."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from config import Config
from errors import MiranteError
from jobs.database import JobsDatabase
from jobs.job import Order, Result, Scoring
from jobs.uploads import Uploads
from learning.processors import processors
from persistence.opening import open_registry
from scoring.inputs import Input, find_inputs
from scoring.options import Options
from scoring.roots import check_beneath
from scoring.table_run import Job, Tally, score_tables

if TYPE_CHECKING:
    from jobs.pipe_progress import PipeProgress

# Steps of the stage, for the fraction that is shown.
STEPS = 1000
# Answers that are kept with their job, in uploads of the largest size: larger ones want `to`.
MOST_UPLOADS = 4
MOST_PROBLEMS = 100
# What a job that was killed has left is removed after so many seconds.
LEFT = 86_400.0


def score_order(
    order: Order, table: IO[bytes] | None, progress: PipeProgress, config: Config
) -> Result:
    """Score a job's table, keep the answers, and say what it came to. Raises MiranteError.

    A job that is taken up again on this machine goes on with the parts that are done.
    """
    assert order.score is not None
    _remove_old()
    folder = _folder(progress.job)
    folder.mkdir(mode=0o700, exist_ok=True)
    job = _job(order, order.score, table, folder, config)
    progress.stage("score", STEPS)
    done = 0

    def told(tally: Tally) -> None:
        nonlocal done
        progress.advance(int(tally.share * STEPS) - done)
        done = int(tally.share * STEPS)

    try:
        tally = score_tables(job, told)
        return _kept(order.score, job, tally, progress, config)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _job(
    order: Order, asked: Scoring, table: IO[bytes] | None, folder: Path, config: Config
) -> Job:
    registry = open_registry(**config.registry)
    version = asked.version or registry.read_champion(order.name)[0].version
    out = str(folder / f"answers.{asked.format}")
    if asked.to is not None:
        out = check_beneath(asked.to, config.score_roots, "to")
    return Job(
        inputs=_inputs(asked, table, config),
        out=out,
        artifact=registry.read(order.name, version),
        data=registry.data(order.name, version),
        options=Options(
            probabilities=asked.probabilities,
            interval=asked.interval,
            contributions=asked.contributions,
            prefix=asked.prefix,
            strict=asked.strict,
        ),
        processes=processors(),
        resume=True,
        store=config.store_options,
        folder=str(folder / "parts"),
    )


def _inputs(asked: Scoring, table: IO[bytes] | None, config: Config) -> list[Input]:
    if asked.table is None:
        if table is None:
            raise MiranteError("the job has no table")
        return [Input(f"/dev/fd/{table.fileno()}", os.fstat(table.fileno()).st_size, "")]
    # Again, where it is read: what a link leads to may be another by now.
    address = check_beneath(asked.table, config.score_roots, "table")
    found = find_inputs([address], config.store_options)
    for one in found:
        check_beneath(one.path, config.score_roots, "table")
    return found


def _kept(asked: Scoring, job: Job, tally: Tally, progress: PipeProgress, config: Config) -> Result:
    manifest = job.artifact.manifest
    problems = [] if "://" in job.out else _problems(Path(f"{job.out}.rejected"))
    found: dict[str, Any] = {
        "rows": tally.rows,
        "rejected": tally.rejected,
        "format": asked.format,
        "unseen": dict(tally.unseen),
        "errors": problems,
    }
    # From here on the job cannot be cancelled: its answers are kept, or not.
    progress.stage("register")
    if asked.to is None:
        found["bytes"] = _keep(Path(job.out), progress.job, config)
    reason = f"{tally.rows} rows answered, {tally.rejected} rejected"
    return Result(manifest.version, promoted=False, reason=reason, score=found)


def _problems(path: Path) -> list[dict[str, Any]]:
    """Return the first rows of a rejected file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(MOST_PROBLEMS), strict=False)]
    return [{**row, "row": int(row["row"])} for row in rows]


def _keep(path: Path, job: str, config: Config) -> int:
    size, most = path.stat().st_size, MOST_UPLOADS * config.max_upload_bytes
    if size > most:
        raise MiranteError(
            f"the answers take {size} bytes, of which {most} are kept with a job: "
            "name an address with `to`"
        )
    database = JobsDatabase(config.database_url)
    uploads = Uploads(database)
    try:
        uploads.erase(job)  # of a worker that was lost while it kept them
        with path.open("rb") as file:
            uploads.put(job, file)
    finally:
        database.close()
    return size


def _folder(job: str) -> Path:
    return Path(tempfile.gettempdir()) / f"mirante-job-{os.getuid()}-{job}"


def _remove_old() -> None:
    for path in _folder("").parent.glob(f"{_folder('').name}*"):
        if time.time() - path.stat().st_mtime > LEFT:
            shutil.rmtree(path, ignore_errors=True)
