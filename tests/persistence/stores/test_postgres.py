"""The PostgreSQL store against a real server: cut off, back again, and silent about secrets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from errors import ConfigError, Conflict, StoreUnavailable
from persistence.opening import open_store
from persistence.stores.store import ABSENT
from tests.servers import PostgresServer, free_port, postgres_server

psycopg = pytest.importorskip("psycopg", reason="pip install -r requirements.txt")

from persistence.stores.postgres import PostgresStore  # noqa: E402


@pytest.fixture
def pg(postgres: PostgresServer) -> Iterator[PostgresStore]:
    """A store of the server, its table not made yet."""
    with psycopg.connect(postgres.url) as connection:
        connection.execute("DROP TABLE IF EXISTS model_store")
    store = PostgresStore(postgres.url)
    yield store
    store.close()


def _cut_off(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'mirante'"
        )


def test_a_connection_that_was_cut_is_opened_again(
    postgres: PostgresServer, pg: PostgresStore
) -> None:
    tag = pg.put("credit", b"one")
    for use in (
        lambda: pg.get("credit"),
        lambda: pg.list(),
        lambda: pg.put("credit", b"two", tag),
        lambda: pg.delete("credit"),
        lambda: pg.put("credit", b"three", ABSENT),
    ):
        _cut_off(postgres)
        use()
    assert pg.get("credit").data == b"three"


def test_a_swap_whose_answer_was_lost_is_known_for_its_own(
    pg: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt is committed, then its connection breaks; the second sees its tag."""
    pg.put("other", b"")
    attempts = []
    attempt = pg._attempt

    def losing(work):
        answer = attempt(work)
        attempts.append(answer)
        if len(attempts) == 1:
            pg.close()
            raise StoreUnavailable("the answer was lost")
        return answer

    monkeypatch.setattr(pg, "_attempt", losing)
    pg.put("credit", b"one", ABSENT)
    assert attempts == [True, True]
    with pytest.raises(Conflict):
        pg.put("credit", b"one", ABSENT)


def test_a_server_that_is_down_is_one_line_and_its_return_is_noticed() -> None:
    with postgres_server() as server:
        store = PostgresStore(server.url)
        tag = store.put("credit", b"one")
        server.stop()
        before = time.monotonic()
        for _ in range(2):
            with pytest.raises(
                StoreUnavailable, match=r"PostgreSQL: .*[Cc]onnection refused"
            ) as caught:
                store.get("credit")
            assert "\n" not in str(caught.value)
        assert time.monotonic() - before < 10
        server.start()
        assert store.get("credit") == (b"one", tag)
        store.close()


def test_no_error_tells_the_password(postgres: PostgresServer) -> None:
    wrong = postgres.url.replace(postgres.password, "hunter2")
    with pytest.raises(StoreUnavailable, match="password authentication failed") as caught:
        PostgresStore(wrong).get("credit")
    _assert_silent(caught.value)
    with pytest.raises(StoreUnavailable) as caught:
        PostgresStore(f"postgres://mirante:hunter2@127.0.0.1:{free_port()}/x").list()
    _assert_silent(caught.value)
    with pytest.raises(ConfigError, match="cannot be read") as refused:
        PostgresStore("postgres://mirante:hunter2@[127.0.0.1/x")
    _assert_silent(refused.value)
    with pytest.raises(ConfigError) as refused:
        PostgresStore("postgres://mirante:hunter2@127.0.0.1/x?unheard=of")
    _assert_silent(refused.value)


def _assert_silent(error: BaseException) -> None:
    assert "hunter2" not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_both_spellings_of_the_scheme_are_known(postgres: PostgresServer) -> None:
    store = open_store(postgres.url.replace("postgres://", "postgresql://"))
    assert isinstance(store, PostgresStore)
    store.put("spelt", b"")
    store.delete("spelt")


def test_many_first_uses_at_once_make_one_table(
    postgres: PostgresServer, pg: PostgresStore
) -> None:
    stores = [PostgresStore(postgres.url) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: stores[n].put(f"key{n}", b"x"), range(8)))
    assert len(pg.list()) == 8


def test_a_child_process_opens_a_connection_of_its_own(pg: PostgresStore) -> None:
    pg.put("credit", b"one")
    ready, caught = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(10)
        data, connection = pg.get("credit").data, pg._connection
        assert connection is not None
        os.write(caught, data + str(connection.info.backend_pid).encode())
        os._exit(0)
    os.waitpid(child, 0)
    said = os.read(ready, 100)
    os.close(ready)
    os.close(caught)
    assert said.startswith(b"one")
    assert pg._connection is not None
    assert said != b"one%d" % pg._connection.info.backend_pid
    assert pg.get("credit").data == b"one"


def test_prefixes_are_no_patterns(pg: PostgresStore) -> None:
    pg.put("a_b", b"")
    pg.put("axb", b"")
    assert pg.list("a_") == ["a_b"]
    assert pg.list("%") == []


def test_a_writer_killed_at_any_moment_leaves_one_whole_write(
    postgres: PostgresServer, pg: PostgresStore
) -> None:
    program = (
        "import sys; from persistence.stores.postgres import PostgresStore; "
        "store = PostgresStore(sys.argv[1]); print(flush=True)\n"
        "while True: store.put('credit', sys.argv[2].encode() * 50_000)"
    )
    pg.put("credit", b"0000" * 50_000)
    for number in range(1, 4):
        command = [sys.executable, "-c", program, postgres.url, f"{number:04}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(0.1 + 0.013 * number)
            writer.kill()
        data = pg.get("credit").data
        assert data == data[:4] * 50_000
    assert data[:4] != b"0000"


def test_a_database_without_an_encoding_is_a_store_too(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE plain ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'"
        )
    store = PostgresStore(postgres.url.rpartition("/")[0] + "/plain")
    tag = store.put("credit/versions/v1", b"one")
    assert store.get("credit/versions/v1") == (b"one", tag)
    assert store.put("credit/versions/v1", b"two", tag) != tag
    assert store.list("credit/") == ["credit/versions/v1"]
