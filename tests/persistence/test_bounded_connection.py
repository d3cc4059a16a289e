"""A PostgreSQL that does not answer is given up: frozen, or behind somebody's lock."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from errors import StoreUnavailable
from jobs.database import JobsDatabase
from persistence import bounded_connection
from persistence.bounded_connection import BoundedConnection, NoAnswer
from persistence.stores.postgres import PostgresStore
from tests.conftest import require
from tests.servers import INSTALL_POSTGRES, PostgresServer, find_postgres, frozen, postgres_server


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    require(find_postgres() is not None, "PostgreSQL", INSTALL_POSTGRES)
    with postgres_server() as running:
        yield running


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedConnection, "seconds", 0.5)
    monkeypatch.setattr(bounded_connection, "CANCEL_SECONDS", 0.5)


def test_how_long_is_waited() -> None:
    assert bounded_connection.STATEMENT_SECONDS == 20


def test_a_lock_is_not_waited_for_without_end_and_what_waited_is_not_done_later(
    server: PostgresServer,
) -> None:
    with psycopg.connect(server.url) as holder:
        holder.execute("CREATE TABLE held (value int)")
        holder.commit()
        holder.execute("LOCK TABLE held")
        waiting = BoundedConnection.connect(server.url, autocommit=True)
        with pytest.raises(NoAnswer):
            waiting.execute("INSERT INTO held VALUES (1)")
        assert waiting.broken
        holder.commit()
        time.sleep(0.2)
        row = holder.execute("SELECT count(*) FROM held").fetchone()
    assert row == (0,)


def test_what_goes_on_for_long_is_waited_for(server: PostgresServer) -> None:
    with BoundedConnection.connect(server.url) as connection:
        slow = "SELECT repeat('a', 100000), pg_sleep(0.1) FROM generate_series(1, 12)"
        assert len(connection.execute(slow).fetchall()) == 12


def test_a_frozen_server_is_unavailable_and_later_is_again(server: PostgresServer) -> None:
    url = f"{server.url}?connect_timeout=2"
    store, jobs = PostgresStore(url), JobsDatabase(url)
    store.put("a", b"b")
    with jobs.session():
        pass
    with frozen(server):
        with pytest.raises(StoreUnavailable):
            store.get("a")
        with pytest.raises(StoreUnavailable), jobs.session() as database:
            database.execute_sql("SELECT 1")
    assert store.get("a").data == b"b"
    with jobs.session() as database:
        assert database.execute_sql("SELECT 1").fetchone() == (1,)
    store.close()
    jobs.close()
