from __future__ import annotations

import logging

import pytest

from errors import StoreUnavailable
from jobs.audit import Audit
from jobs.database import JobsDatabase
from tests.jobs.conftest import Clock


def test_the_newest_lines_come_first(url: str, clock: Clock) -> None:
    jobs_database = JobsDatabase(url)
    audit = Audit(jobs_database, clock)
    for number in range(3):
        audit.record("a key", "promote", f"credit/v{number}")
        clock.now += 1
    newest = audit.newest(2)
    jobs_database.close()
    assert [(line["who"], line["subject"]) for line in newest] == [
        ("a key", "credit/v2"),
        ("a key", "credit/v1"),
    ]
    assert newest[0]["outcome"] == "done"
    assert newest[0]["at"] == "1970-01-12T13:46:42Z"


def test_a_line_that_is_too_long_is_cut_and_kept(url: str) -> None:
    jobs_database = JobsDatabase(url)
    Audit(jobs_database).record("a", "train", "s" * 1000, "o" * 1000)
    (line,) = Audit(jobs_database).newest(5)
    jobs_database.close()
    assert (len(line["subject"]), len(line["outcome"])) == (160, 200)


def test_a_database_that_is_away_is_tried_again_and_then_the_log_is_the_audit(
    url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    audit = Audit(JobsDatabase(url), clock)
    tried = []

    def away(*row: str) -> None:
        tried.append(row)
        raise StoreUnavailable("away")

    monkeypatch.setattr(audit, "_record", away)
    monkeypatch.setattr(logging.getLogger("mirante"), "propagate", True)
    audit.record("ann", "rollback", "credit")
    assert len(tried) == 2
    assert [record.getMessage() for record in caplog.records] == [
        "not audited: ann, rollback credit: done"
    ]
