from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from errors import ConfigError, StoreUnavailable
from jobs.database import JobsDatabase
from jobs.queue import JobQueue
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
