"""Documents of drift: the last report and the state, in the log's own store."""

from __future__ import annotations

from pathlib import Path

import msgspec

from monitoring.archive import Archive, open_archive
from monitoring.drift_documents import REPORTS, DriftDocuments
from persistence.stores.memory import MemoryStore
from tests.monitoring.watched import NOW


def test_a_report_is_read_back_and_there_may_be_none(tmp_path: Path) -> None:
    for archive in (Archive(MemoryStore()), open_archive(str(tmp_path))):
        documents = DriftDocuments(archive)
        assert documents.report("credit") is None
        documents.keep_report("credit", {"name": "credit"})
        assert documents.report("credit") == {"name": "credit"}
        assert documents.report("iris") is None


def test_a_report_that_is_damaged_is_none() -> None:
    store = MemoryStore()
    for data in (b"{", b"[]"):
        store.put(f"{REPORTS}/credit.json", data)
        assert DriftDocuments(Archive(store)).report("credit") is None


def test_of_two_who_have_read_a_state_one_keeps_his() -> None:
    documents = DriftDocuments(Archive(MemoryStore()))
    assert documents.state("credit") == (None, None)
    assert documents.keep_state("credit", b"first", None)
    assert not documents.keep_state("credit", b"second", None)
    data, tag = documents.state("credit")
    assert data == b"first"
    assert documents.keep_state("credit", b"third", tag)
    assert not documents.keep_state("credit", b"fourth", tag)
    assert documents.state("credit")[0] == b"third"


def test_the_log_s_retention_leaves_them() -> None:
    archive = Archive(MemoryStore())
    DriftDocuments(archive).keep_report("credit", {"name": "credit"})
    assert archive.trim(1, 0, NOW) == 0
    assert archive.models() == []


def test_the_days_of_a_state_are_read_without_its_tests() -> None:
    documents = DriftDocuments(Archive(MemoryStore()))
    assert documents.days("credit") is None
    day = {"rows": 3, "cells": {"in.age": [0, 1, 2]}}
    state = {"version": "v1", "began": 1.0, "courses": {}, "days": {"2026-11-25": day}}
    documents.keep_state("credit", msgspec.json.encode(state), None)
    assert documents.days("credit") == ("v1", {"2026-11-25": {"in.age": [0, 1, 2]}})


def test_a_state_that_is_damaged_has_no_days() -> None:
    documents = DriftDocuments(Archive(MemoryStore()))
    documents.keep_state("credit", b"{", None)
    assert documents.days("credit") is None
