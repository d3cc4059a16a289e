"""The database that every process shares: SQLite on one machine, PostgreSQL across dynos."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from peewee import (
    Database,
    IntegrityError,
    InterfaceError,
    Model,
    OperationalError,
    PeeweeException,
    Psycopg3Adapter,
    SchemaManager,
    SqliteDatabase,
)
from playhouse.pool import MaxConnectionsExceeded, PooledPostgresqlDatabase

from errors import StoreUnavailable
from jobs.address import check_address
from jobs.records import TABLES

# Any number will do, as long as nobody else on the same database takes it.
_ADVISORY_LOCK = 0x4D495241
_PRAGMAS = {
    "journal_mode": "wal",  # readers and the one writer do not wait for each other
    "synchronous": "normal",  # with WAL a killed process loses nothing
    "secure_delete": "on",  # a deleted upload is overwritten, not only unlinked
}


class JobsDatabase:
    """A database with Mirante's tables in it, opened when it is first used.

    One a process; connections are opened for each session, so it may be
    made before a fork. `tables` are created with the first one. Raises ConfigError
    when made for a URL of another kind, or a file whose folder cannot be made.
    """

    def __init__(self, url: str) -> None:
        self.database = _open(url)
        self.tables: list[type[Model]] = list(TABLES)
        self._ready = False
        self._lock = threading.Lock()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a file of this machine, which other dynos do not see."""
        return isinstance(self.database, SqliteDatabase)

    @contextmanager
    def session(self) -> Iterator[Database]:
        """Hold a connection for a few statements. Raises StoreUnavailable."""
        try:
            with self.database.connection_context():
                self._make_tables()
                yield self.database
        except IntegrityError:
            raise
        except (PeeweeException, MaxConnectionsExceeded) as error:
            # Whatever it is, a file that is no database or a table that is gone: it is the
            # database's fault, and nothing else's.
            self._forget_connections()
            raise StoreUnavailable(f"the jobs database {_said(error)}") from error

    @contextmanager
    def exclusive(self) -> Iterator[Database]:
        """Hold a session and a transaction that no other `exclusive` runs beside."""
        with self.session() as database, self.transaction():
            self._lock_out_others()
            yield database

    def transaction(self) -> AbstractContextManager[Any]:
        """Begin a transaction within a session; SQLite takes its write lock at once."""
        # A lock taken late, after a read, fails instead of waiting:
        # https://sqlite.org/lang_transaction.html
        return self.database.atomic(*(("IMMEDIATE",) if self.is_sqlite else ()))

    def scrub(self) -> None:
        """Fold SQLite's write-ahead log into its file, so that deleted data leaves both."""
        if self.is_sqlite:
            with self.session() as database:
                _execute(database, "PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close this thread's connection and the idle ones of a pool."""
        self.database.close()
        self._forget_connections()

    def _make_tables(self) -> None:
        if self._ready:
            return
        with self._lock, self.transaction():
            self._lock_out_others()  # two processes may not create one table at once
            for table in self.tables:
                SchemaManager(table, self.database).create_all()
        self._ready = True

    def _lock_out_others(self) -> None:
        # SQLite's transaction does it by itself.
        if not self.is_sqlite:
            _execute(self.database, "SELECT pg_advisory_xact_lock(%s)", _ADVISORY_LOCK)

    def _forget_connections(self) -> None:
        # After a restart of the server every idle connection of the pool is dead.
        close_idle = getattr(self.database, "close_idle", None)
        if close_idle is not None:
            close_idle()


def _said(error: Exception) -> str:
    if isinstance(error, OperationalError | InterfaceError | MaxConnectionsExceeded):
        return "cannot be reached or written"
    return "is damaged, or refuses what it was asked"


def _execute(database: Database, statement: str, *parameters: int) -> None:
    database.execute_sql(statement, parameters)  # type: ignore[no-untyped-call]


def _open(url: str) -> Database:
    check_address(url)
    scheme, _, rest = url.partition("://")
    return _open_sqlite(rest[1:]) if scheme == "sqlite" else _open_postgres(f"postgresql://{rest}")


def _open_sqlite(file: str) -> Database:
    # SQLite gives its write-ahead log the mode that the file has, which is none of others'.
    with suppress(OSError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return SqliteDatabase(file, pragmas=_PRAGMAS, timeout=10)


def _open_postgres(url: str) -> Database:
    # Few: the smallest databases of a PaaS allow twenty connections for all processes together.
    limits: dict[str, Any] = {"max_connections": 3, "stale_timeout": 60, "timeout": 10}
    database: Database = _BoundedPostgres(url, prefer_psycopg3=True, **limits)
    return database


class _BoundedAdapter(Psycopg3Adapter):
    def connect(self, db: Any, **params: Any) -> Any:
        """Connect so that no statement is waited for without end."""
        from psycopg.conninfo import conninfo_to_dict

        from persistence.bounded_connection import DEFAULTS, BoundedConnection

        given = conninfo_to_dict(db.database)
        return BoundedConnection.connect(db.database, **DEFAULTS | given | params)


class _BoundedPostgres(PooledPostgresqlDatabase):
    psycopg3_adapter = _BoundedAdapter
