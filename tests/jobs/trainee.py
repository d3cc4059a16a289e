"""A child process that trains nothing: what it does is the name of the order's recipe."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jobs.job import Result
from jobs.messages import Start
from jobs.orphan import die_with
from jobs.pipe_progress import PipeProgress


def main() -> None:
    """Do it."""
    reports, data, parent = map(int, sys.argv[1:])
    die_with(parent)
    answers = sys.stdin.buffer
    start = msgspec.json.decode(answers.readline(), type=Start)
    progress = PipeProgress(os.fdopen(reports, "wb"), answers)
    progress.stage("fit", 4)
    progress.note("it has begun")
    deed = start.order.recipe
    if deed == "refuse":
        progress.end("the table has no rows")
    elif deed == "leave":
        os._exit(7)
    elif deed == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif deed == "slow":
        _work_slowly(progress, float(start.order.parameters.get("seconds", 60)))
    elif deed == "register slowly":
        progress.stage("register")
        time.sleep(1.5)
        progress.end(Result("v1", True))
    elif deed == "table":
        with os.fdopen(data, "rb") as file:
            progress.end(f"the table has {len(file.read())} bytes")
    else:
        _work_slowly(progress, 0.5)
        progress.stage("register")
        progress.end(Result("v1", True, metrics={"roc_auc": 0.9}))


def _work_slowly(progress: PipeProgress, seconds: float) -> None:
    for _ in range(4):
        time.sleep(seconds / 4)
        progress.advance()


if __name__ == "__main__":
    main()
