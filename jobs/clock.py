"""The time of the database: one for all who share it, whatever their own clocks say."""

from __future__ import annotations

import time
from typing import NamedTuple

from jobs.database import JobsDatabase

# The database is asked again after so many seconds; between, they are counted here.
ASKED_EVERY = 60.0


class _Asked(NamedTuple):
    theirs: float
    ours: float


class DatabaseClock:
    """Returns seconds since 1970 by the database's clock. Raises StoreUnavailable.

    A dyno whose clock is an hour ahead would take every other worker for lost.
    SQLite is a file of this machine, and so is its clock.
    """

    def __init__(self, jobs_database: JobsDatabase) -> None:
        self._jobs_database = jobs_database
        self._asked: _Asked | None = None

    def __call__(self) -> float:
        """Return the time."""
        if self._jobs_database.is_sqlite:
            return time.time()
        now, asked = time.monotonic(), self._asked
        if asked is None or now - asked.ours > ASKED_EVERY:
            asked = self._asked = _Asked(self._ask(), now)
        return asked.theirs + now - asked.ours

    def _ask(self) -> float:
        statement = "SELECT extract(epoch FROM clock_timestamp())::float8"
        with self._jobs_database.session() as database:
            (found,) = database.execute_sql(statement).fetchone()  # type: ignore[no-untyped-call]
        return float(found)
