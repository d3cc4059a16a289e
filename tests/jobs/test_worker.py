from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from errors import StoreUnavailable
from jobs.queue import JobQueue
from jobs.runner import Limits
from jobs.worker import Upkeep, work

LIMITS = Limits(60.0, 2**30)
TRAINEE = [sys.executable, str(Path(__file__).parent / "trainee.py")]


def test_waiting_jobs_are_run_until_it_is_told_to_stop(
    make_queue: Callable[..., JobQueue],
) -> None:
    queue, stop = make_queue(), threading.Event()
    jobs = [queue.submit({"name": "credit", "recipe": "refuse"}, who="a")["id"] for _ in range(2)]
    worker = threading.Thread(target=work, args=(make_queue(), TRAINEE, LIMITS, stop))
    worker.start()
    try:
        for _ in range(300):
            states = [queue.read(job)["state"] for job in jobs]
            if states == ["failed", "failed"]:
                break
            stop.wait(0.1)
        assert queue.table.workers(within=60) == 1
    finally:
        stop.set()
        worker.join(30)
    assert states == ["failed", "failed"]
    assert queue.table.workers(within=60) == 0


def test_upkeep_is_done_now_and_then_not_at_every_look(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    reaped: list[bool] = []
    monkeypatch.setattr(queue, "reap", lambda: reaped.append(True))
    upkeep = Upkeep(queue, "w1")
    upkeep.attend()
    upkeep.attend()
    assert len(reaped) == 1
    assert queue.table.workers(within=60) == 1


def test_a_worker_that_leaves_while_the_database_is_away_says_so_and_goes(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_worker: str) -> None:
        raise StoreUnavailable("the jobs database cannot be reached or written")

    monkeypatch.setattr(queue.table, "forget_worker", fail)
    with caplog.at_level(logging.WARNING):
        Upkeep(queue, "w1").leave()
    assert "cannot be reached" in caplog.text
