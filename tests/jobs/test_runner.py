from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from jobs.claim import Claim
from jobs.database import JobsDatabase
from jobs.queue import JobQueue
from jobs.runner import Limits, Runner
from tests.servers import wait_until

TRAINEE = [sys.executable, str(Path(__file__).with_name("trainee.py"))]


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[JobQueue]:
    """A queue by the real clock, with a short lease."""
    queue = JobQueue(JobsDatabase(f"sqlite:///{tmp_path}/jobs.db"), lease=2.0)
    yield queue
    queue.jobs_database.close()


class Running:
    """A job that a runner trains in a thread of its own."""

    def __init__(self, queue: JobQueue, order: dict[str, Any], seconds: float = 60, **more: Any):
        self.queue = queue
        self.stop = threading.Event()
        self.id = queue.submit({"name": "mine", **order}, who="tester", **more)["id"]
        job = queue.claim("w1")
        assert job is not None
        runner = Runner(queue.uploads, TRAINEE, Limits(seconds, 1 << 30), self.stop)
        self.thread = threading.Thread(target=runner.run, args=(Claim(queue, job, "w1"),))
        self.began = time.monotonic()
        self.thread.start()

    def wait_for(self, reached: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until the job's document is as wanted."""
        wait_until(lambda: reached(self.queue.read(self.id)), "the job", 20)

    def end(self) -> dict[str, Any]:
        """Wait for the runner to be done; no child may be left."""
        self.thread.join(20)
        assert not self.thread.is_alive()
        assert children() == []
        return self.queue.read(self.id)


def children() -> list[psutil.Process]:
    found = psutil.Process(os.getpid()).children(recursive=True)
    return [child for child in found if "trainee.py" in " ".join(child.cmdline())]


def fitting(job: dict[str, Any]) -> bool:
    return job.get("stage") == "fit"


def test_a_training_that_ends_well(queue: JobQueue) -> None:
    job = Running(queue, {"recipe": "good"}).end()
    assert (job["state"], job["version"], job["promoted"]) == ("succeeded", "v1", True)
    assert job["metrics"] == {"roc_auc": 0.9}
    assert job["log"][0] == "it has begun"
    fractions = [e.data for e in queue.events(job["id"]) if '"stage":"fit"' in e.data]
    assert fractions
    assert {line["action"] for line in queue.audit.newest(9)} == {"train", "register", "promote"}


@pytest.mark.parametrize(
    ("deed", "line"),
    [
        ("refuse", "the table has no rows"),
        ("leave", "the training process ended with status 7 and no result"),
        ("killed", "the training process was killed, most often by too little memory"),
    ],
)
def test_a_training_that_fails_says_why(queue: JobQueue, deed: str, line: str) -> None:
    job = Running(queue, {"recipe": deed}).end()
    assert (job["state"], job["error"]) == ("failed", line)
    assert job["log"] == ["it has begun"]


def test_the_child_reads_the_uploaded_table(queue: JobQueue) -> None:
    job = Running(queue, {"recipe": "table"}, data=io.BytesIO(b"x" * 3_000_000)).end()
    assert job["error"] == "the table has 3000000 bytes"


def test_a_cancelled_training_ends_soon(queue: JobQueue) -> None:
    running = Running(queue, {"recipe": "slow"})
    running.wait_for(fitting)
    queue.cancel(running.id, "tester")
    job = running.end()
    assert job["state"] == "cancelled"
    assert time.monotonic() - running.began < 10


def test_a_training_that_takes_too_long_is_ended(queue: JobQueue) -> None:
    job = Running(queue, {"recipe": "slow"}, seconds=1.5).end()
    assert (job["state"], job["error"]) == ("failed", "the training took longer than 1.5 seconds")


def test_a_worker_that_stops_gives_the_job_back(queue: JobQueue) -> None:
    running = Running(queue, {"recipe": "slow"})
    running.wait_for(fitting)
    running.stop.set()
    job = running.end()
    assert (job["state"], job["attempts"]) == ("queued", 1)
    again = queue.claim("w2")
    assert again is not None
    assert again.id == running.id


def test_a_worker_that_stops_lets_a_version_be_registered(queue: JobQueue) -> None:
    running = Running(queue, {"recipe": "register slowly"})
    running.wait_for(lambda job: job.get("stage") == "register")
    running.stop.set()
    assert running.end()["state"] == "succeeded"


def test_a_job_given_to_another_worker_registers_nothing_here(queue: JobQueue) -> None:
    running = Running(queue, {"recipe": "slow", "parameters": {"seconds": 30}})
    running.wait_for(fitting)
    assert queue.requeue(running.id, "w1")  # as a reaper would have it
    job = running.end()
    assert job["state"] == "queued"
    assert "version" not in job


def test_the_lease_is_renewed_while_it_trains(queue: JobQueue) -> None:
    running = Running(queue, {"recipe": "slow", "parameters": {"seconds": 5}})
    time.sleep(3)  # the lease is two seconds
    queue.reap()
    assert queue.read(running.id)["state"] == "running"
    assert queue.table.workers(within=2) == 1
    running.stop.set()
    running.end()
