"""The time of the database."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from jobs.clock import DatabaseClock
from jobs.database import JobsDatabase


@pytest.fixture
def jobs_database(url: str) -> Iterator[JobsDatabase]:
    opened = JobsDatabase(url)
    yield opened
    opened.close()


def test_the_time_is_the_databases_and_goes_on(jobs_database: JobsDatabase) -> None:
    clock = DatabaseClock(jobs_database)
    first = clock()
    assert abs(first - time.time()) < 5
    time.sleep(0.05)
    assert 0.04 < clock() - first < 5


def test_a_machine_whose_clock_is_wrong_agrees_with_the_others(
    jobs_database: JobsDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    if jobs_database.is_sqlite:
        return  # one machine, one clock
    right = DatabaseClock(jobs_database)()
    wrong = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: wrong)
    assert abs(DatabaseClock(jobs_database)() - right) < 5
