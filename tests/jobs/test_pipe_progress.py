from __future__ import annotations

import io

import pytest

from jobs.job import Result
from jobs.messages import (
    Advanced,
    Ended,
    Go,
    MayRegister,
    Message,
    Noted,
    Refused,
    Staged,
    decode,
    encode,
)
from jobs.pipe_progress import INTERVAL, PipeProgress
from tests.jobs.conftest import Clock


def told(reports: io.BytesIO) -> list[Message]:
    return [decode(line) for line in reports.getvalue().splitlines()]


def test_what_is_told() -> None:
    reports = io.BytesIO()
    progress = PipeProgress(reports, io.BytesIO())
    progress.stage("fit", 3)
    progress.note("x" * 501)
    progress.end(Result("v1", False))
    progress.end("the table has no rows")
    assert told(reports) == [
        Staged("fit", 3),
        Noted("x" * 500),
        Ended(Result("v1", False)),
        Refused("the table has no rows"),
    ]


def test_steps_are_told_a_few_times_a_second(clock: Clock) -> None:
    reports = io.BytesIO()
    progress = PipeProgress(reports, io.BytesIO(), clock)
    progress.stage("fit", 100)
    for _ in range(50):
        progress.advance()
    clock.now += 2 * INTERVAL
    progress.advance(2)
    assert told(reports) == [Staged("fit", 100), Advanced(52)]


def test_before_a_version_is_registered_the_worker_is_asked() -> None:
    reports = io.BytesIO()
    PipeProgress(reports, io.BytesIO(encode(Go()))).stage("register")
    assert told(reports) == [Staged("register"), MayRegister()]


def test_without_a_worker_nothing_is_registered() -> None:
    with pytest.raises(SystemExit):
        PipeProgress(io.BytesIO(), io.BytesIO()).stage("register")
