from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from errors import ConfigError
from monitoring.archive import MEBIBYTE, Archive, open_archive, spool_of
from persistence.stores.memory import MemoryStore

NOON = datetime(2026, 11, 25, 12, 10, tzinfo=UTC)


@pytest.fixture
def archive() -> Archive:
    return Archive(MemoryStore())


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def test_there_is_a_path_a_model_day_and_segment(archive: Archive) -> None:
    archive.keep("credit", NOON, "s1-0", b"rows")
    archive.keep("credit", NOON, "s1-0", b"rows")
    archive.keep("iris", NOON, "s1-1", b"rows")
    key = "predictions/credit/date=2026-11-25/12-s1-0.parquet"
    assert archive.store.list() == [key, key.replace("credit", "iris").replace("s1-0", "s1-1")]
    assert archive.models() == ["credit", "iris"]
    assert archive.get(key) == b"rows"


def test_a_segment_is_found_by_the_hours_that_its_rows_may_have(archive: Archive) -> None:
    archive.keep("credit", NOON, "s-0", b"")

    def found(start: datetime, end: datetime) -> bool:
        return archive.predictions("credit", start, end) != {}

    assert found(NOON, NOON + hours(1))
    assert found(NOON + hours(1), NOON + hours(9))  # it may have begun at 12:59
    assert not found(NOON + hours(2), NOON + hours(9))
    assert not found(NOON - hours(9), NOON - hours(1))
    assert archive.predictions("other", NOON, NOON + hours(1)) == {}


def test_what_is_old_goes_and_then_the_oldest_of_too_much(archive: Archive) -> None:
    for day in range(10):
        archive.keep("credit", NOON - timedelta(days=day), f"s{day}-0", b"x" * MEBIBYTE)
    archive.keep_feedback(NOON - timedelta(days=9), "f", b"")
    archive.store.put("drift/credit.json", b"another's")
    assert archive.trim(7, 100, NOON) == 3
    assert len(archive.store.list()) == 9
    assert archive.trim(7, 3, NOON) == 5
    left = [key.rpartition("/")[2] for key in archive.store.list("predictions/")]
    assert left == ["12-s2-0.parquet", "12-s1-0.parquet", "12-s0-0.parquet"]
    assert archive.store.list("drift/") == ["drift/credit.json"]


def test_an_address_is_a_folder_a_bucket_or_a_database(tmp_path) -> None:
    assert spool_of(str(tmp_path), "") == tmp_path / ".spool"
    assert str(spool_of("s3://bucket", "")) == "var/prediction_log"
    assert str(spool_of("s3://bucket", "/disk")) == "/disk"
    with pytest.raises(ConfigError, match="PREDICTION_LOG"):
        open_archive("")
    with pytest.raises(ConfigError):
        open_archive("ftp://somewhere")
