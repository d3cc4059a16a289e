from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from peewee import SchemaManager

from errors import ConfigError, StoreUnavailable
from jobs.database import JobsDatabase
from jobs.queue import JobQueue
from jobs.records import EventRow
from tests.servers import PostgresServer

OPEN = "import sys; from jobs.database import JobsDatabase; from jobs.queue import JobQueue; "
COUNT = OPEN + "print(len(JobQueue(JobsDatabase(sys.argv[1])).newest(5)))"


@pytest.mark.parametrize(
    "url",
    [
        *("", "mysql://root:geheim@h/d", "sqlite://", "sqlite:///", "a.db"),
        *("postgres://u:geheim%ZZ@h/d", "postgres://u:geheim@h/d?nosuch=1"),
    ],
)
def test_an_address_of_another_kind_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL") as caught:
        JobsDatabase(url)
    assert "geheim" not in str(caught.value)


def test_a_sqlite_file_gets_its_folder(tmp_path: Path) -> None:
    queue = JobQueue(JobsDatabase(f"sqlite:///{tmp_path}/a/b/jobs.db"))
    assert queue.newest(5) == []
    assert (tmp_path / "a/b/jobs.db").exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"^DATABASE_URL: its folder cannot be made: "):
        JobsDatabase(f"sqlite:///{tmp_path}/file/jobs.db")


def test_nothing_is_connected_to_before_the_first_use() -> None:
    jobs_database = JobsDatabase("postgres://nobody@127.0.0.1:9/none")
    with pytest.raises(StoreUnavailable, match=r"^the jobs database cannot be reached or written$"):
        JobQueue(jobs_database).newest(1)


def test_a_file_that_is_no_database_is_its_own_fault(tmp_path: Path) -> None:
    file = tmp_path / "jobs.db"
    file.write_bytes(b"no database at all, " * 500)
    with pytest.raises(StoreUnavailable, match=r"^the jobs database is damaged, or refuses"):
        JobQueue(JobsDatabase(f"sqlite:///{file}")).newest(1)


def test_a_table_that_is_gone_is_the_databases_fault(url: str) -> None:
    jobs_database = JobsDatabase(url)
    queue = JobQueue(jobs_database)
    queue.newest(1)
    with jobs_database.session() as database:
        SchemaManager(EventRow, database).drop_table()
    with pytest.raises(StoreUnavailable):
        queue.events("0" * 32)
    jobs_database.close()


def test_only_its_owner_reads_the_file_and_its_folder(tmp_path: Path) -> None:
    JobQueue(JobsDatabase(f"sqlite:///{tmp_path}/var/jobs.db")).newest(1)
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "var").iterdir()}
    assert modes == {0o600}


def test_many_processes_may_make_the_tables_at_once(url: str, root: Path) -> None:
    command = [sys.executable, "-c", COUNT, url]
    processes = [
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    for process in processes:
        out, error = process.communicate(timeout=60)
        assert (out, process.returncode) == (b"0\n", 0), error.decode()


def test_a_server_that_went_away_is_found_again(postgres: PostgresServer) -> None:
    queue = JobQueue(JobsDatabase(postgres.url))
    queue.newest(1)
    postgres.stop()
    with pytest.raises(StoreUnavailable):
        queue.newest(1)
    postgres.start()
    assert queue.newest(1) == []
    queue.jobs_database.close()


def test_the_scheme_of_heroku_is_taken(postgres: PostgresServer) -> None:
    assert re.match("postgres://", postgres.url)
    jobs_database = JobsDatabase(postgres.url)
    with jobs_database.session() as database:
        assert database.get_tables()
    jobs_database.close()
