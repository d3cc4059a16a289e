"""A connection to PostgreSQL on which no statement is waited for without end.

A server that is stopped in mid-flight (SIGSTOP, a frozen host) still has a kernel that
answers, so that neither keepalives nor `statement_timeout`, which is the server's own,
end the wait: https://www.postgresql.org/docs/current/runtime-config-client.html
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import psycopg

# Less than the 30 s after which a router gives a request up:
# https://devcenter.heroku.com/articles/request-timeout
STATEMENT_SECONDS = 20.0
# A statement that is given up may still be waiting for a lock: it is not to be run later.
CANCEL_SECONDS = 2.0
# A server that is cut off must be known to be so within seconds, not minutes:
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
DEFAULTS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "mirante",
}


class NoAnswer(psycopg.OperationalError):
    """The server has not moved for too long."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed when its server sends and takes nothing for `seconds`.

    Whoever waits for it then gets NoAnswer, which is an OperationalError.
    """

    seconds = STATEMENT_SECONDS

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait as any connection does, while there is progress. Raises NoAnswer."""
        try:
            return super().wait(_watched(gen, self.seconds), interval, timeout)
        except NoAnswer:
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=CANCEL_SECONDS)
            self.pgconn.finish()
            raise


def _watched(steps: Any, seconds: float) -> Generator[Any, Any, Any]:
    """Do the steps of a statement, as long as each is ready within so many seconds."""
    latest = time.monotonic() + seconds
    ready = None
    while True:
        try:
            awaited = steps.send(ready)
        except StopIteration as end:
            return end.value
        ready = yield awaited
        if ready:
            latest = time.monotonic() + seconds
        elif time.monotonic() > latest:
            raise NoAnswer(f"no answer within {seconds:g} s")
