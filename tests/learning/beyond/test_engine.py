"""The engine of one process: what it gathers of the parts of a table."""

from __future__ import annotations

import tempfile

import numpy as np
import pytest

from errors import DatasetError
from learning.beyond import engine as module
from learning.beyond.engine import Here, check_disk
from learning.beyond.plan import Plan
from tables.row_digests import row_digests
from tests.learning.beyond.test_sides import reading_of
from tests.tables.readers.parted import rows_of, split, write_parts

ROWS = 3_000
PLAN = Plan(0.2, 0.2, 0.5, 3)


@pytest.fixture
def folder(tmp_path):
    return write_parts(tmp_path / "parts", split(rows_of(ROWS), 3))


def gathered(folder, plan=PLAN):
    engine = Here(2**26)
    found = engine.gather(engine.partitions(folder), reading_of(folder, plan), ROWS)
    found.grower.close()
    return found


def test_each_row_is_held_out_judges_or_is_learnt_from(folder):
    found = gathered(folder)
    assert len(found.held.values) + len(found.tuned.values) + found.grower.rows == ROWS
    assert len(found.sampled.values) < found.grower.rows
    assert len(found.seen) == found.grower.rows
    assert int(found.seen.sum(dtype=np.uint64)) == found.digest
    assert np.isin(row_digests(found.sampled.batch), found.seen).all()
    assert not np.isin(row_digests(found.held.batch), found.seen).any()


def test_of_too_many_rows_it_is_not_kept_which_they_are(folder, monkeypatch):
    monkeypatch.setattr(module, "MOST_SEEN", 100)
    found = gathered(folder)
    assert len(found.seen) == 0
    assert found.digest


def test_the_survey_is_that_of_all_parts(folder):
    engine = Here(2**26)
    found = engine.survey(engine.partitions(folder), 100, ())
    assert found is not None
    assert found.rows == ROWS


def test_a_disk_without_room_is_named(monkeypatch):
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/")
    with pytest.raises(DatasetError, match=r"the rows need \d+ MiB in /, which has \d+ MiB left"):
        check_disk(10**12, 100)
