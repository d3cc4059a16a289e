from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from errors import StoreUnavailable
from monitoring.archive import open_archive
from monitoring.archiving import Archiving, archive_once
from monitoring.reading import LogReader
from tests.conftest import require
from tests.monitoring.samples import DAYS, MB, Logged, make_logged
from tests.servers import (
    INSTALL_POSTGRES,
    INSTALL_S3,
    PostgresServer,
    S3Server,
    _make_bucket,
    find_postgres,
    postgres_server,
    s3_server,
    wait_until,
)
from tests.serving.factory import ROW, ask


def answered(logged: Logged, rows: int) -> None:
    """Have rows answered and their segment finished."""
    ask(logged.service, "/v0/predict", [ROW] * rows)
    assert logged.log._thread is not None
    logged.log.close()


def test_finished_segments_become_objects_and_leave_the_spool(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    answered(logged, 3)
    assert archive_once(logged.spool, logged.archive, DAYS, MB) == 0
    assert logged.spool.paths() == []
    (key,) = logged.archive.store.list()
    assert key.startswith("predictions/credit/date=20")
    assert (tmp_path / key).is_file()
    assert len(logged.rows()) == 3


def is_written(logged: Logged, rows: int) -> bool:
    return logged.counts["written"] == rows


def test_what_a_segment_has_by_now_is_read_elsewhere_and_each_row_once(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    elsewhere = LogReader(logged.archive)

    def ids(reader: LogReader) -> list[str]:
        now, hour = datetime.now(UTC), timedelta(hours=1)
        tables = reader.tables("credit", now - hour, now + hour)
        return [row["id"] for table in tables for row in table.to_pylist()]

    for asked in (1, 2):
        ask(logged.service, "/v0/predict", [ROW] * 2, x_inference_id=f"r{asked}")
        wait_until(partial(is_written, logged, 2 * asked), "the rows")
        assert archive_once(logged.spool, logged.archive, DAYS, MB, growing=True) == 0
        expected = [f"r{request}.{row}" for request in range(1, asked + 1) for row in range(2)]
        assert ids(elsewhere) == expected
        assert ids(LogReader(logged.archive, logged.spool)) == expected
    assert len(logged.archive.store.list()) == 1
    assert len(logged.spool.paths()) == 1
    logged.log.close()
    assert archive_once(logged.spool, logged.archive, DAYS, MB, growing=True) == 0
    assert (len(logged.archive.store.list()), logged.spool.paths()) == (1, [])
    assert len(ids(elsewhere)) == 4


def test_a_segment_that_is_no_segment_is_put_aside(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    segment = logged.spool.begin()
    segment.append(b"no entry")
    segment.close()
    answered(logged, 1)
    assert archive_once(logged.spool, logged.archive, DAYS, MB) == 0
    assert logged.spool.paths() == []
    assert len(list(logged.spool.folder.glob("*.damaged"))) == 1
    assert len(logged.rows()) == 1


def test_a_segment_of_rows_half_written_has_the_others(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    answered(logged, 2)
    (path,) = logged.spool.paths()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:30])
    logged.archived()
    assert len(logged.rows()) == 2


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    require(all(map(find_spec, ("obstore", "moto"))), "obstore or moto", INSTALL_S3)
    with s3_server() as server:
        yield server


def test_a_bucket_that_was_away_is_caught_up_with(tmp_path: Path, s3: S3Server) -> None:
    archive = open_archive(f"s3://{s3.bucket}/log", s3.client_options)
    logged = make_logged(tmp_path, archive=archive)
    s3.stop()
    try:
        answered(logged, 5)
        assert archive_once(logged.spool, archive, DAYS, MB) == 1
        assert len(logged.spool.paths()) == 1
        assert logged.spool.paths()[0].stat().st_size > 0
    finally:
        s3.start()
    _make_bucket(s3)  # moto's server forgets what it had
    assert archive_once(logged.spool, archive, DAYS, MB) == 0
    assert logged.spool.paths() == []
    assert len(logged.rows()) == 5


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    require(find_postgres() is not None, "PostgreSQL", INSTALL_POSTGRES)
    with postgres_server() as server:
        yield server


def test_a_database_keeps_it_in_a_table_of_its_own(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    import psycopg

    archive = open_archive(postgres.url)
    logged = make_logged(tmp_path, archive=archive)
    answered(logged, 4)
    postgres.stop()
    assert archive_once(logged.spool, archive, DAYS, MB) == 1
    postgres.start()
    assert archive_once(logged.spool, archive, DAYS, MB) == 0
    assert len(logged.rows()) == 4
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT count(*) FROM prediction_log").fetchone() == (1,)
        assert connection.execute("SELECT to_regclass('model_store')").fetchone() == (None,)
    assert archive.trim(DAYS, 1, datetime.now(UTC)) == 0
    assert archive.trim(DAYS, 1, datetime.now(UTC) + timedelta(days=DAYS + 1)) == 1


def test_the_process_is_started_when_it_is_due(tmp_path: Path) -> None:
    made = tmp_path / "made"
    archiving = Archiving([sys.executable, "-c", f"open({str(made)!r}, 'a').write('x')"])
    archiving.attend()
    assert not made.exists()
    archiving.due()
    archiving.attend()
    wait_until(lambda: made.exists() and made.read_text() == "x", "the process")
    archiving.due()
    archiving.finish(60.0)
    assert made.read_text() == "xx"
    archiving.attend()
    assert made.read_text() == "xx"


def test_a_process_that_failed_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitoring.archiving.AGAIN", 0.0)
    archiving = Archiving([sys.executable, "-c", "raise SystemExit(1)"])
    archiving.due()
    archiving.attend()
    first = archiving._process
    assert first is not None

    def again() -> bool:
        archiving.attend()
        return archiving._process not in (None, first)

    wait_until(again, "another try")
    assert archiving._process is not None
    archiving._process.wait()


def test_a_store_that_is_away_keeps_the_segments(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    answered(logged, 1)
    (tmp_path / "predictions").write_text("no folder")
    with pytest.raises(StoreUnavailable):
        logged.archived()
    assert len(logged.spool.paths()) == 1


def test_one_that_failed_is_attended_to_again_also_when_nothing_comes() -> None:
    archiving = Archiving([sys.executable, "-c", "raise SystemExit(1)"])
    assert archiving.patience() is None
    archiving.due()
    assert archiving.patience() == 0.0
    archiving.attend()
    assert archiving.patience() == 5.0
    assert archiving._process is not None
    archiving._process.wait(30)
    archiving.attend()
    again = archiving.patience()
    assert again is not None
    assert 20 < again <= 30
