from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from errors import StoreUnavailable
from jobs import claim as claim_module
from jobs.claim import Claim, ClaimLost
from jobs.job import Result
from jobs.queue import JobQueue

ORDER = {"name": "credit", "recipe": "credit"}


class Away:
    """A database that is away for so many calls."""

    def __init__(self, act: Callable[..., Any], calls: int) -> None:
        self._act = act
        self._calls = calls

    def __call__(self, *arguments: Any) -> Any:
        """Fail, or act."""
        self._calls -= 1
        if self._calls >= 0:
            raise StoreUnavailable("the jobs database cannot be reached or written")
        return self._act(*arguments)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again soon."""
    monkeypatch.setattr(claim_module, "PAUSE", 0.01)


def taken(queue: JobQueue) -> Claim:
    queue.submit(ORDER, who="a")
    job = queue.claim("w1")
    assert job is not None
    return Claim(queue, job, "w1")


def test_every_step_fails_once_the_job_is_lost(queue: JobQueue) -> None:
    steps: list[Callable[[Claim], None]] = [
        lambda claim: claim.renew(),
        lambda claim: claim.commit(),
        lambda claim: claim.give_back(),
        lambda claim: claim.end("no"),
        lambda claim: claim.end(Result("v1", True)),
    ]
    for step in steps:
        claim = taken(queue)
        queue.cancel(claim.job.id, "a")
        with pytest.raises(ClaimLost):
            step(claim)
        assert queue.read(claim.job.id)["state"] == "cancelled"
    assert {line["action"] for line in queue.audit.newest(50)} == {"train", "cancel"}


def test_a_database_that_is_away_for_a_moment_costs_no_training(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = taken(queue)
    for name in ("hold", "commit", "succeed"):
        monkeypatch.setattr(queue.table, name, Away(getattr(queue.table, name), 3))
    for _ in range(4):
        claim.renew()
    claim.commit()
    claim.end(Result("v1", True))
    assert queue.read(claim.job.id)["state"] == "succeeded"


def test_a_job_that_cannot_be_held_provably_is_given_up(
    make_queue: Callable[..., JobQueue], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = make_queue(lease=0.2)
    claim = taken(queue)
    for name in ("hold", "fail"):
        monkeypatch.setattr(queue.table, name, Away(getattr(queue.table, name), 1_000_000))

    def renew_until_given_up() -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            claim.renew()

    with pytest.raises(ClaimLost):
        renew_until_given_up()
    with pytest.raises(ClaimLost):
        claim.end("no")
