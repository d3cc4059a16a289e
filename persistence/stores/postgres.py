"""A store in one table of a PostgreSQL database, so that one add-on is enough."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import LiteralString, TypeVar

from errors import ConfigError, Conflict, DependencyError, KeyMissing, StoreUnavailable
from persistence.stores.store import ABSENT, ANY, Expected, Stored, check_key

try:
    import psycopg
    from psycopg import sql
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    from persistence.bounded_connection import DEFAULTS, BoundedConnection
except ImportError as error:
    raise DependencyError(
        "a PostgreSQL store needs psycopg: pip install -r requirements.txt"
    ) from error

T = TypeVar("T")
Connection = BoundedConnection

# A database in SQL_ASCII would answer texts as bytes.
SETTINGS = {**DEFAULTS, "client_encoding": "UTF8"}

# Two processes that create one table at once can fail on the catalogue's own
# index, IF NOT EXISTS or not; so they queue for this lock, whose number only has
# to be nobody else's.
CREATE_LOCK = 0x6D6972616E7465
# In each of them stands the name of the table.
CREATE = """
CREATE TABLE IF NOT EXISTS {table} (
    key text COLLATE "C" PRIMARY KEY,
    data bytea NOT NULL,
    tag text NOT NULL
)
"""
# Model bytes do not get smaller; do not try at every write.
PLAIN = "ALTER TABLE {table} ALTER COLUMN data SET STORAGE EXTERNAL"

GET = "SELECT data, tag FROM {table} WHERE key = %s"
SIZES = "SELECT key, octet_length(data) FROM {table} WHERE starts_with(key, %s) ORDER BY key"
DELETE = "DELETE FROM {table} WHERE key = %s"
IS_OURS = "SELECT 1 FROM {table} WHERE key = %(key)s AND tag = %(tag)s"
INSERT = "INSERT INTO {table} (key, data, tag) VALUES (%(key)s, %(data)s, %(tag)s)"
PUT_ANY = f"{INSERT} ON CONFLICT (key) DO UPDATE SET data = EXCLUDED.data, tag = EXCLUDED.tag"
PUT_ABSENT = f"{INSERT} ON CONFLICT (key) DO NOTHING"
PUT_TAG = (
    "UPDATE {table} SET data = %(data)s, tag = %(tag)s WHERE key = %(key)s AND tag = %(expected)s"
)


class PostgresStore:
    """A store in a table of its own, made on first use.

    One connection a process, opened when it is needed, and again when it was
    cut. A put is one conditional statement.
    """

    def __init__(self, url: str, table: str = "model_store") -> None:
        self._table = sql.Identifier(table)
        try:
            given = conninfo_to_dict(url)
            self._conninfo = make_conninfo(url, **{k: SETTINGS[k] for k in SETTINGS.keys() - given})
        except psycopg.Error:
            # Not chained: libpq's text repeats the address, and with it the password.
            raise ConfigError("the PostgreSQL address of the model store cannot be read") from None
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._pid = os.getpid()

    def get(self, key: str) -> Stored:
        """Return what a key holds; raises KeyMissing."""
        check_key(key)
        row = self._run(lambda c: c.cursor(binary=True).execute(self._on(GET), (key,)).fetchone())
        if row is None:
            raise KeyMissing(f"the store holds no {key}")
        return Stored(bytes(row[0]), row[1])

    def put(self, key: str, data: bytes, expected: Expected | str = ANY) -> str:
        """Keep the bytes under the key and return their tag; raises Conflict."""
        tag = secrets.token_hex(16)
        values = {"key": check_key(key), "data": data, "tag": tag, "expected": expected}
        statement = self._on(_put_statement(expected))

        def swap(connection: Connection) -> bool:
            if connection.execute(statement, values).rowcount == 1:
                return True
            # Nothing changed: unless an attempt before, whose answer was lost, did it.
            return connection.execute(self._on(IS_OURS), values).fetchone() is not None

        if not self._run(swap):
            raise Conflict(f"{key} is not what was expected: somebody else was first")
        return tag

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Return the size in bytes of every key that starts with the prefix, keys sorted."""
        return dict(self._run(lambda c: c.execute(self._on(SIZES), (prefix,)).fetchall()))

    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that start with the prefix, sorted."""
        return [*self.sizes(prefix)]

    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is no error."""
        check_key(key)
        self._run(lambda c: c.execute(self._on(DELETE), (key,)))

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._lock:
            # One that was opened before a fork is the parent's to close.
            if self._connection is not None and self._pid == os.getpid():
                with suppress(psycopg.Error):
                    self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        if hasattr(self, "_lock"):
            self.close()

    def _on(self, statement: LiteralString) -> sql.Composed:
        return sql.SQL(statement).format(table=self._table)

    def _run(self, work: Callable[[Connection], T]) -> T:
        """Do the work; once more on a new connection if the one at hand turns out to be cut."""
        with self._lock:
            reused = self._open()
            try:
                return self._attempt(work)
            except StoreUnavailable:
                if not reused or self._connection is not None:
                    raise
                return self._attempt(work)

    def _attempt(self, work: Callable[[Connection], T]) -> T:
        try:
            connection = self._connection or self._connect()
            with connection.transaction():
                return work(connection)
        except psycopg.Error as error:
            if self._connection is not None and self._connection.broken:
                self.close()
            raise StoreUnavailable(f"the model store in PostgreSQL: {_reason(error)}") from None

    def _open(self) -> bool:
        """Say whether there is a connection of this very process already."""
        if self._pid != os.getpid():
            self.close()
            self._pid = os.getpid()
        return self._connection is not None

    def _connect(self) -> Connection:
        # Without prepared statements a pooler in transaction mode may stand between.
        connection = BoundedConnection.connect(
            self._conninfo, autocommit=True, prepare_threshold=None
        )
        self._connection = connection
        with connection.transaction():
            name = self._table.as_string(connection)
            if connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() == (None,):
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (CREATE_LOCK,))
                connection.execute(self._on(CREATE))
                connection.execute(self._on(PLAIN))
        return connection


def _put_statement(expected: Expected | str) -> LiteralString:
    if expected is ANY:
        return PUT_ANY
    return PUT_ABSENT if expected is ABSENT else PUT_TAG


def _reason(error: psycopg.Error) -> str:
    """The last fact of libpq's first line: who, where and why, and no password is in it."""
    said = error.diag.message_primary or str(error).strip() or type(error).__name__
    first = said.splitlines()[0]
    return first.rpartition("failed: ")[2].removeprefix("FATAL:").strip()
