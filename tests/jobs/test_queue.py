from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from errors import Conflict, JobUnknown, QueueFull
from jobs.job import Result
from jobs.queue import NOBODY, JobQueue
from jobs.uploads import CHUNK, ORPHAN_AGE
from tests.jobs.conftest import Clock

ORDER = {"name": "credit", "recipe": "credit"}
TABLE = {"name": "mine", "target": "y"}
DATA = b"x,y\n" + b"very-private-value,1\n" * 100_000


def held(queue: JobQueue, job_id: str) -> bytes:
    upload = queue.table.read(job_id).upload
    assert upload is not None
    with queue.uploads.open(upload) as file:
        return file.read()


def test_the_same_key_and_order_is_the_same_job(queue: JobQueue) -> None:
    first = queue.submit(ORDER, who="a", idempotency="once")
    again = queue.submit(ORDER, who="a", idempotency="once")
    assert first["id"] == again["id"]
    assert len(queue.newest(10)) == 1


def test_the_same_key_with_another_order_is_a_conflict(queue: JobQueue) -> None:
    queue.submit(ORDER, who="a", idempotency="once")
    with pytest.raises(Conflict):
        queue.submit({**ORDER, "seed": 1}, who="a", idempotency="once")


def test_the_same_key_of_somebody_else_is_another_job(queue: JobQueue) -> None:
    first = queue.submit(ORDER, who="a", idempotency="once")
    assert queue.submit(ORDER, who="b", idempotency="once")["id"] != first["id"]


def test_the_same_key_and_table_is_the_same_job_and_is_kept_once(queue: JobQueue) -> None:
    first = queue.submit(TABLE, who="a", idempotency="k", data=io.BytesIO(DATA))
    again = queue.submit(TABLE, who="a", idempotency="k", data=io.BytesIO(DATA))
    assert first["id"] == again["id"]
    assert held(queue, first["id"]) == DATA
    with pytest.raises(Conflict):
        queue.submit(TABLE, who="a", idempotency="k", data=io.BytesIO(DATA + b"z,0\n"))
    assert chunks(queue) == len(DATA) // CHUNK + 1


def chunks(queue: JobQueue) -> int:
    from jobs.records import ChunkRow

    with queue.jobs_database.session() as database:
        return len(list(ChunkRow.select(ChunkRow.upload).tuples().execute(database)))


def test_no_more_jobs_wait_than_are_allowed(make_queue: Callable[..., JobQueue]) -> None:
    queue = make_queue(max_queued=3)
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def submit() -> None:
        own = make_queue(max_queued=3)
        own.newest(1)
        start.wait(20)
        try:
            own.submit(ORDER, who="a")
            outcomes.append("queued")
        except QueueFull as error:
            outcomes.append(f"again in {error.retry_after} s")
        own.jobs_database.close()

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["again in 30 s"] * 5 + ["queued"] * 3
    with pytest.raises(QueueFull):
        queue.check_room()
    queue.claim("w1")
    queue.check_room()


def test_a_refused_upload_is_not_kept(make_queue: Callable[..., JobQueue]) -> None:
    queue = make_queue(max_queued=1)
    queue.submit(ORDER, who="a")
    with pytest.raises(QueueFull):
        queue.submit(TABLE, who="a", data=io.BytesIO(DATA))
    assert chunks(queue) == 0


def test_a_job_is_claimed_once(queue: JobQueue) -> None:
    job = queue.submit(ORDER, who="a")
    claimed = queue.claim("w1")
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.attempts) == (job["id"], "running", 1)
    assert queue.claim("w2") is None


def test_a_job_given_back_is_the_next_again(queue: JobQueue, clock: Clock) -> None:
    first = queue.submit(ORDER, who="a")["id"]
    clock.now += 1
    queue.submit(ORDER, who="a")
    queue.claim("w1")
    assert queue.requeue(first, "w1")
    claimed = queue.claim("w2")
    assert claimed is not None
    assert (claimed.id, claimed.attempts) == (first, 2)


def test_a_worker_passes_over_the_job_that_another_is_claiming(
    make_queue: Callable[..., JobQueue], url: str, clock: Clock
) -> None:
    if url.startswith("sqlite"):
        return  # there is one writer at a time: nothing to pass over
    mine, others = make_queue(), make_queue()
    first = mine.submit(ORDER, who="a")["id"]
    clock.now += 1
    second = mine.submit(ORDER, who="a")["id"]
    database = mine.jobs_database
    with database.session() as connection, database.transaction():
        assert mine.table._next(connection) == first
        claimed = others.claim("w2")
    assert claimed is not None
    assert claimed.id == second


def test_an_idle_worker_takes_no_lock(queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.newest(1)
    begun: list[bool] = []
    begin = queue.jobs_database.transaction

    def counted() -> Any:
        begun.append(True)
        return begin()

    monkeypatch.setattr(queue.jobs_database, "transaction", counted)
    assert queue.claim("w1") is None
    assert begun == []
    queue.submit(ORDER, who="a")
    begun.clear()
    assert queue.claim("w1") is not None
    assert begun


def test_jobs_are_claimed_in_their_order(queue: JobQueue, clock: Clock) -> None:
    made = []
    for _ in range(3):
        clock.now += 1
        made.append(queue.submit(ORDER, who="a")["id"])
    claimed = [job.id for job in (queue.claim("w1") for _ in made) if job]
    assert claimed == made
    assert [job["id"] for job in queue.newest(2)] == made[:0:-1]


@pytest.mark.parametrize("end", ["succeed", "fail", "cancel"])
def test_the_users_table_is_gone_when_the_job_has_ended(
    queue: JobQueue, url: str, end: str
) -> None:
    job = queue.submit(TABLE, who="a", data=io.BytesIO(DATA))
    assert job["order"]["size"] == len(DATA)
    assert held(queue, job["id"]) == DATA
    queue.claim("w1")
    if end == "succeed":
        queue.table.succeed(job["id"], "w1", Result("v1", False))
    elif end == "fail":
        queue.table.fail(job["id"], "w1", "no")
    else:
        queue.cancel(job["id"], "a")
    assert chunks(queue) == 0
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite:///"))
        for kept in file.parent.iterdir():
            assert b"very-private-value" not in kept.read_bytes()


def test_the_users_table_is_kept_when_asked(queue: JobQueue) -> None:
    job = queue.submit(TABLE, who="a", data=io.BytesIO(DATA), keep_data=True)
    queue.claim("w1")
    queue.table.fail(job["id"], "w1", "no")
    assert held(queue, job["id"]) == DATA
    assert queue.read(job["id"])["data_kept"] is True


def test_the_table_stays_while_a_job_is_taken_up_again(queue: JobQueue, clock: Clock) -> None:
    job = queue.submit(TABLE, who="a", data=io.BytesIO(DATA))
    queue.claim("w1")
    clock.now += 31
    queue.reap()
    assert held(queue, job["id"]) == DATA


def test_an_upload_without_a_job_is_swept(queue: JobQueue, clock: Clock) -> None:
    queue.uploads.put("0" * 32, io.BytesIO(DATA))
    kept = queue.submit(TABLE, who="a", data=io.BytesIO(DATA))
    queue.reap()
    assert chunks(queue) == 6
    clock.now += ORPHAN_AGE + 1
    queue.reap()
    assert chunks(queue) == 3
    assert held(queue, kept["id"]) == DATA


def test_that_no_worker_is_alive_is_said(queue: JobQueue) -> None:
    job = queue.submit(ORDER, who="a")
    assert job["warnings"] == [NOBODY]
    assert queue.read(job["id"])["warnings"] == [NOBODY]
    queue.table.note_worker("w1")
    assert "warnings" not in queue.read(job["id"])


def test_who_did_what_is_written_down(queue: JobQueue, clock: Clock) -> None:
    job = queue.submit(ORDER, who="alice")
    clock.now += 60
    queue.cancel(job["id"], "bob")
    lines = queue.audit.newest(10)
    assert [(line["who"], line["action"]) for line in lines] == [
        ("bob", "cancel"),
        ("alice", "train"),
    ]
    assert job["id"] in lines[0]["subject"]
    assert lines[0]["at"] == "1970-01-12T13:47:40Z"


def test_a_job_is_forgotten_a_month_after_its_end(queue: JobQueue, clock: Clock) -> None:
    old = queue.submit(TABLE, who="a", data=io.BytesIO(DATA), keep_data=True)["id"]
    clock.now += 1
    waiting = queue.submit(ORDER, who="a")["id"]
    queue.claim("w1")
    queue.table.fail(old, "w1", "no")
    clock.now += 29 * 86400
    queue.reap()
    assert queue.read(old)["state"] == "failed"
    clock.now += 2 * 86400
    queue.reap()
    with pytest.raises(JobUnknown):
        queue.events(old)
    assert chunks(queue) == 0
    assert queue.read(waiting)["state"] == "queued"
