from __future__ import annotations

import peewee
import pytest

from jobs.database import JobsDatabase
from jobs.records import TABLES, EventRow, JobRow

ROW = {"name": "credit", "state": "queued", "order": "{}", "digest": "0", "created": 0.0}


def test_every_table_is_mirantes_by_its_name() -> None:
    names = [table._meta.table_name for table in TABLES]
    assert len(set(names)) == len(names)
    assert all(name.startswith("mirante_") for name in names)


def test_somebodys_idempotency_key_is_of_one_job(url: str) -> None:
    jobs_database = JobsDatabase(url)
    with jobs_database.session() as database:
        for who, key in (("a", "k"), ("b", "k"), ("a", None), ("a", None)):
            job = f"{who}{key}{JobRow.select().count(database)}"
            JobRow.insert(**ROW, id=job, who=who, idempotency=key).execute(database)
        with pytest.raises(peewee.IntegrityError):
            JobRow.insert(**ROW, id="again", who="a", idempotency="k").execute(database)
    jobs_database.close()


def test_a_change_of_a_job_is_written_once(url: str) -> None:
    jobs_database = JobsDatabase(url)
    with jobs_database.session() as database:
        EventRow.insert(job="j", seq=1, data="{}").execute(database)
        with pytest.raises(peewee.IntegrityError):
            EventRow.insert(job="j", seq=1, data="{}").execute(database)
    jobs_database.close()
