"""A queue on each kind of database, and a clock that a test can turn."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.database import JobsDatabase
from jobs.queue import JobQueue
from tests.conftest import require
from tests.servers import INSTALL_POSTGRES, PostgresServer, find_postgres, postgres_server


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the tests of this folder."""
    require(find_postgres() is not None, "PostgreSQL", INSTALL_POSTGRES)
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, one of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/jobs.db"
    return _new_database(request.getfixturevalue("postgres"))


def _new_database(server: PostgresServer) -> str:
    import psycopg

    name = f"t{secrets.token_hex(6)}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server.url.rpartition('/')[0]}/{name}"


@pytest.fixture
def clock() -> Clock:
    """A clock for the queue."""
    return Clock()


@pytest.fixture
def make_queue(url: str, clock: Clock) -> Iterator[Callable[..., JobQueue]]:
    """Make queues over one database, as several processes would have them."""
    made: list[JobsDatabase] = []

    def make(**options: Any) -> JobQueue:
        made.append(JobsDatabase(url))
        given: dict[str, Any] = {"lease": 30.0, "clock": clock} | options
        return JobQueue(made[-1], **given)

    yield make
    for jobs_database in made:
        jobs_database.close()


@pytest.fixture
def queue(make_queue: Callable[..., JobQueue]) -> JobQueue:
    """A queue over an empty database."""
    return make_queue()
