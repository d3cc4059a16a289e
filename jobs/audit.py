"""The audit table: who did what to what, and when."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from errors import StoreUnavailable
from jobs.database import JobsDatabase
from jobs.job import moment
from jobs.records import AuditRow

log = logging.getLogger("mirante.audit")

# Seconds to wait after each try to reach the database.
PAUSES = (0.1, 0.0)


class Audit:
    """A table that only grows."""

    def __init__(self, jobs_database: JobsDatabase, clock: Callable[[], float] = time.time) -> None:
        self._jobs_database = jobs_database
        self._clock = clock

    def record(self, who: str, action: str, subject: str, outcome: str = "done") -> None:
        """Write one line down: `who` is the name of an API key, or of a job.

        What was done is done: where the database stays away, the log is the audit.
        """
        for pause in PAUSES:
            try:
                self._record(who, action, subject, outcome)
            except StoreUnavailable:
                time.sleep(pause)
            else:
                return
        log.error("not audited: %s, %s %s: %s", who, action, subject, outcome)

    def _record(self, who: str, action: str, subject: str, outcome: str) -> None:
        row = {"at": self._clock(), "who": who, "action": action}
        with self._jobs_database.session() as database:
            AuditRow.insert(**row, subject=subject[:160], outcome=outcome[:200]).execute(database)

    def newest(self, limit: int) -> list[dict[str, Any]]:
        """Return the newest lines, newest first."""
        query = AuditRow.select().order_by(AuditRow.id.desc()).limit(limit).dicts()
        with self._jobs_database.session() as database:
            rows = list(query.execute(database))
        return [{**row, "at": moment(row["at"])} for row in rows]
