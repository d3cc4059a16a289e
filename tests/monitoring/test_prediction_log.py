from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path
from weakref import ref

import pytest

from monitoring import prediction_log, spool
from monitoring.archive import MEBIBYTE
from monitoring.prediction_log import PredictionLog, Selections
from monitoring.spool import Spool
from tests.monitoring.samples import Logged, NoArchiver, changed, make_logged
from tests.monitoring.test_entries import answered
from tests.monitoring.test_spool import files_of_at_most
from tests.servers import wait_until
from tests.serving.factory import ROW, SIGNATURE, ask, make_live, make_service


def test_what_was_answered_is_on_disk_within_a_second(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    ask(logged.service, "/v0/predict", [ROW] * 3)
    began = time.monotonic()
    # The segment is still being written: whoever is killed now leaves it so.
    wait_until(lambda: len(logged.rows()) == 3, "the rows")
    assert time.monotonic() - began < 5
    assert list(logged.spool.finished()) == []
    assert logged.counts == Counter(written=3)
    logged.log.close()


def test_refusals_are_not_logged(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    for body in (b"{", [ROW, {}], ROW | {"age": "old"}):
        assert ask(logged.service, "/v0/predict", body).status >= 400
    logged.log.close()
    assert logged.rows() == []
    assert not logged.spool.folder.exists()


def test_a_share_of_the_requests_is_logged(tmp_path: Path) -> None:
    logged = make_logged(tmp_path, share=0.5)
    for _ in range(400):
        ask(logged.service, "/v0/predict", ROW)
    logged.log.close()
    rows = logged.rows()
    assert 120 < len(rows) < 280  # eight standard deviations
    assert {row["share"] for row in rows} == {0.5}


def test_models_and_versions_are_told_apart(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    for live in (make_live(), make_live("iris"), make_live(version="v2")):
        logged.log.note(answered(live, 2))
        logged.log.note(answered(live, 1))
    logged.log.close()
    assert len(logged.rows("iris")) == 3
    assert Counter(row["version"] for row in logged.rows()) == {make_live().version: 3, "v2": 3}


def test_a_queue_that_is_full_drops_and_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_log, "WRITE_EVERY", 3600.0)
    monkeypatch.setattr(prediction_log, "MOST_WAITING", 10_000)
    logged = make_logged(tmp_path)
    for _ in range(300):
        assert ask(logged.service, "/v0/predict", ROW).status == 200
    assert logged.counts["queue_full"] >= 200
    logged.log.close()
    assert logged.counts["queue_full"] + logged.counts["written"] == 300
    assert len(logged.rows()) == logged.counts["written"] > 0


def test_long_requests_are_written_in_entries_that_are_not_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_log, "WRITE_EVERY", 3600.0)
    monkeypatch.setattr(prediction_log, "LONGEST_PORTION", 1000)
    logged = make_logged(tmp_path)
    for _ in range(20):
        assert ask(logged.service, "/v0/predict", ROW).status == 200
    assert [portion.rows for portion in logged.log._gathered._whole] == [6, 6, 6]
    logged.log.close()
    assert len(logged.rows()) == 20
    assert logged.log._gathered._weight == 0


def test_a_full_disk_drops_and_counts_and_is_used_again(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    live = make_live()
    logged.log.note(answered(live, 1))
    wait_until(lambda: logged.counts["written"] == 1, "the first row")
    with files_of_at_most(500):
        logged.log.note(answered(live, 100))
        wait_until(lambda: logged.counts["disk_full"] == 100, "the drop")
    logged.log.note(answered(live, 2))
    logged.log.close()
    assert logged.counts == Counter(written=3, disk_full=100)
    assert len(logged.rows()) == 3


def test_a_folder_that_cannot_be_written_hurts_no_answer(tmp_path: Path) -> None:
    (tmp_path / ".spool").write_text("no folder")
    logged = make_logged(tmp_path)
    assert ask(logged.service, "/v0/predict", ROW).status == 200
    logged.log.close()
    assert logged.counts == Counter(fault=1)


def write_now(logged: Logged, rows: int) -> None:
    """Have rows written by this thread."""
    logged.log._gathered.add(answered(make_live(), rows))
    logged.log._write()


def test_a_spool_that_is_full_drops_until_it_is_archived(tmp_path: Path) -> None:
    logged = make_logged(tmp_path, most_bytes=2000)
    write_now(logged, 5)
    write_now(logged, 100)
    assert logged.counts == Counter(written=5, spool_full=100)
    assert logged.archived() == 1
    write_now(logged, 1)
    logged.log._writer.finish()
    assert len(logged.rows()) == 6


def test_no_more_waits_than_may(tmp_path: Path) -> None:
    logged = make_logged(tmp_path, most_bytes=MEBIBYTE)
    for _ in range(40):
        write_now(logged, 2000)
    assert logged.counts["spool_full"] >= 10 * 2000
    waits = sum(path.stat().st_size for path in logged.spool.paths())
    assert 0.8 * MEBIBYTE < waits <= MEBIBYTE
    # None is being written: all of them can be archived.
    assert len(list(logged.spool.finished())) == len(logged.spool.paths()) >= 4


def test_a_segment_ends_with_its_time_or_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged = make_logged(tmp_path, seconds=0.3)
    writer = logged.log._writer
    time.sleep(0.3 - time.time() % 0.3)  # at the beginning of a span
    write_now(logged, 1)
    assert 0 <= (writer.patience() or 0) <= 0.3
    time.sleep(0.3)
    writer.turn()
    assert writer.patience() is None
    assert len(list(logged.spool.finished())) == 1
    monkeypatch.setattr(spool, "LONGEST_SEGMENT", 10)
    write_now(logged, 1)
    assert len(list(logged.spool.finished())) == 2


def test_a_live_model_is_let_go_of_and_its_id_may_be_another_s() -> None:
    selections = Selections(1.0, b"")
    one, other = make_live(), make_live("iris")
    first = selections.of(one)
    assert selections.of(one) is first
    assert selections.of(other).subject.number == 1
    gone = ref(one)
    del one
    assert gone() is None
    selections.of(make_live())
    assert len(selections._known) == 2


def test_the_archiver_is_told_of_every_segment(tmp_path: Path) -> None:
    archiver = NoArchiver()
    own = Spool(tmp_path, 1 << 20)
    log = PredictionLog(
        own, share=1.0, seconds=60.0, key=b"", count=lambda *_: None, archiver=archiver
    )
    log.close()
    assert archiver.called == 0
    log = PredictionLog(
        own, share=1.0, seconds=60.0, key=b"", count=lambda *_: None, archiver=archiver
    )
    log.note(answered(make_live(), 1))
    log.close()
    assert archiver.called == 2  # at its start, of what others left, and at its end


def test_a_model_that_cannot_be_logged_stops_no_other(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    broken = answered(make_live(), 2)._replace(prediction=None)
    logged.log.note(broken)
    logged.log.note(answered(make_live(), 1))
    logged.log.close()
    assert logged.counts == Counter(fault=2, written=1)
    assert len(logged.rows()) == 1


def test_many_threads_note_at_once(tmp_path: Path) -> None:
    logged = make_logged(tmp_path, changed(SIGNATURE, "income", log=False))
    ask_many = [
        threading.Thread(
            target=lambda: [ask(logged.service, "/v0/predict", ROW) for _ in range(50)]
        )
        for _ in range(4)
    ]
    for thread in ask_many:
        thread.start()
    for thread in ask_many:
        thread.join()
    logged.log.close()
    assert len({row["id"] for row in logged.rows()}) == 200


def test_what_is_new_is_to_be_archived_before_its_segment_ends(tmp_path: Path) -> None:
    archiver, own = NoArchiver(), Spool(tmp_path, MEBIBYTE)
    log = PredictionLog(
        own,
        share=1.0,
        seconds=3600.0,
        key=b"",
        count=lambda *_: None,
        archiver=archiver,
        keep_seconds=0.3,
    )
    service = make_service(make_live(), prediction_log=log)
    ask(service, "/v0/predict", ROW)
    # Once at the start, for what others have left.
    wait_until(lambda: archiver.called == 2, "the first row")
    ask(service, "/v0/predict", ROW)
    wait_until(lambda: archiver.called == 3, "the second row")
    time.sleep(0.7)
    assert archiver.called == 3
    assert len(own.paths()) == 1
    log.close()
