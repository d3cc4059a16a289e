from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from monitoring.reading import DAY, LogReader
from monitoring.spool import Spool
from tests.monitoring.samples import make_logged
from tests.serving.factory import ROW, ask


def test_rows_are_read_before_and_after_they_are_archived(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    ask(logged.service, "/v0/predict", [ROW] * 3)
    logged.log.close()
    before = logged.rows()
    assert len(before) == 3
    assert logged.archived() == 1
    assert logged.rows() == before
    assert logged.rows(model="iris") == []


def test_a_segment_that_is_in_both_is_read_once(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    ask(logged.service, "/v0/predict", [ROW] * 3)
    logged.log.close()
    (path,) = logged.spool.paths()
    kept = path.read_bytes()
    logged.archived()
    path.write_bytes(kept)  # as when whoever archived was killed before it removed it
    assert len(logged.rows()) == 3
    assert logged.archived() == 1
    assert len(logged.rows()) == 3


def test_columns_and_times_are_chosen(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    start = datetime.now(UTC)
    ask(logged.service, "/v0/predict", ROW)
    middle = datetime.now(UTC)
    ask(logged.service, "/v0/predict", [ROW] * 2)
    end = datetime.now(UTC) + timedelta(seconds=1)
    logged.log.close()
    for spool in (logged.spool, None):
        reader = LogReader(logged.archive, spool)
        (table,) = reader.tables("credit", start, middle, ["in.age", "in.nothing"])
        assert table.column_names == ["time", "in.age"]
        assert len(table) == 1
        (table,) = reader.tables("credit", middle, end)
        assert len(table) == 2
        about = msgspec.json.decode(table.schema.metadata[b"mirante"])
        assert about["classes"] == [False, True]
        assert about["model"] == "credit"
        logged.archived()


class Counting(Spool):
    """A spool that counts how often it is read."""

    read = 0

    def paths(self) -> list[Path]:
        self.read += 1
        return super().paths()


def test_the_spool_is_read_once_for_all_models_and_days(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    ask(logged.service, "/v0/predict", [ROW] * 3)
    logged.log.close()
    (path,) = logged.spool.paths()
    spool = Counting(path.parent, 10**6)
    end = datetime.now(UTC) + DAY
    reader = LogReader(logged.archive, spool)
    tables = list(reader.newest_first(["iris", "credit"], end - 9 * DAY, end, ["id"]))
    assert sum(map(len, tables)) == 3
    assert tables[0].column_names == ["time", "id"]
    assert spool.read == 1
