from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from errors import Conflict, JobUnknown
from jobs.job import Order, Result
from jobs.queue import JobQueue
from jobs.table import LOST_LINE
from tests.jobs.conftest import Clock

ORDER = {"name": "credit", "recipe": "credit"}
MADE = Result("v1", True, "there was no champion", {"roc_auc": 0.9})


def submit(queue: JobQueue) -> str:
    return str(queue.submit(ORDER, who="tester")["id"])


def take(queue: JobQueue, owner: str = "w1") -> str:
    job = queue.claim(owner)
    assert job is not None
    return job.id


def folded(queue: JobQueue, job_id: str) -> dict[str, Any]:
    """Return what a watcher knows who took every event in."""
    known: dict[str, Any] = {"log": []}
    for event in queue.events(job_id):
        change = msgspec.json.decode(event.data)
        known["log"] += change.pop("log", [])
        known |= change
    return {key: value for key, value in known.items() if value is not None}


def test_a_job_runs_and_succeeds(queue: JobQueue) -> None:
    job_id = submit(queue)
    assert take(queue) == job_id
    assert queue.table.report(job_id, "w1", "fit", 0.4, ["fit took 1 s"])
    running = queue.read(job_id)
    assert (running["state"], running["stage"], running["fraction"]) == ("running", "fit", 0.4)
    assert queue.table.commit(job_id, "w1", 30)
    assert queue.table.succeed(job_id, "w1", MADE)
    ended = queue.read(job_id)
    assert ended["state"] == "succeeded"
    assert (ended["version"], ended["promoted"], ended["fraction"]) == ("v1", True, 1.0)
    assert ended["metrics"] == {"roc_auc": 0.9}
    assert ended["log"] == ["fit took 1 s"]
    assert "stage" not in ended
    assert "error" not in ended


@pytest.mark.parametrize("end", ["succeed", "fail", "cancel"])
def test_the_events_tell_what_the_document_says(queue: JobQueue, end: str) -> None:
    job_id = submit(queue)
    take(queue)
    queue.table.report(job_id, "w1", "fit", 0.4, ["one", "two"])
    queue.table.report(job_id, "w1", "evaluate", 0.6, [])
    if end == "succeed":
        queue.table.succeed(job_id, "w1", MADE)
    elif end == "fail":
        queue.table.fail(job_id, "w1", "the table has no rows")
    else:
        queue.cancel(job_id, "tester")
    shown = queue.read(job_id)
    known = folded(queue, job_id)
    assert known == {key: shown[key] for key in known}
    assert set(shown) - set(known) == {
        "id", "model", "order", "attempts", "requested_by", "created_at"
    }  # fmt: skip
    assert [event.seq for event in queue.events(job_id)] == list(range(1, 6))
    assert queue.table.revisions([job_id, "0" * 32]) == {job_id: 5}


def test_events_go_on_after_one(queue: JobQueue) -> None:
    job_id = submit(queue)
    take(queue)
    assert [event.seq for event in queue.events(job_id, 1)] == [2]
    assert queue.events(job_id, 2) == []


def test_two_workers_never_get_one_job(make_queue: Callable[..., JobQueue]) -> None:
    jobs = {submit(make_queue()) for _ in range(12)}
    taken: list[str] = []

    def work(name: str) -> None:
        own = make_queue()
        while (job := own.claim(name)) is not None:
            taken.append(job.id)
        own.jobs_database.close()

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(taken) == sorted(jobs)


def test_only_the_holder_changes_a_running_job(queue: JobQueue) -> None:
    job_id = submit(queue)
    take(queue, "w1")
    assert not queue.table.hold(job_id, "w2", 30)
    assert not queue.table.report(job_id, "w2", "fit", 0.5, [])
    assert not queue.table.commit(job_id, "w2", 30)
    assert not queue.table.succeed(job_id, "w2", MADE)
    assert not queue.table.fail(job_id, "w2", "no")
    assert not queue.requeue(job_id, "w2")
    assert queue.read(job_id)["state"] == "running"


def test_a_lost_job_is_taken_up_again_once(queue: JobQueue, clock: Clock) -> None:
    job_id = submit(queue)
    for attempt in (1, 2):
        assert take(queue) == job_id
        assert queue.read(job_id)["attempts"] == attempt
        clock.now += 29
        queue.reap()
        assert queue.read(job_id)["state"] == "running"
        clock.now += 2
        queue.reap()
    assert queue.read(job_id)["state"] == "failed"
    assert queue.read(job_id)["error"] == LOST_LINE
    assert queue.claim("w1") is None


def test_a_renewed_lease_is_not_reaped(queue: JobQueue, clock: Clock) -> None:
    job_id = submit(queue)
    take(queue)
    clock.now += 29
    assert queue.table.hold(job_id, "w1", 30)
    clock.now += 29
    queue.reap()
    assert queue.read(job_id)["state"] == "running"


def test_a_lease_that_is_renewed_while_it_is_reaped_stays(queue: JobQueue) -> None:
    job_id = submit(queue)
    take(queue)
    # What the reaper read is old by now: the lease runs.
    assert not queue.table._take_back(job_id, "w1", 0)
    assert not queue.table._take_back(job_id, "w1", 1)
    assert queue.read(job_id)["state"] == "running"


def test_a_worker_that_comes_back_late_changes_nothing(queue: JobQueue, clock: Clock) -> None:
    job_id = submit(queue)
    take(queue, "w1")
    clock.now += 31
    queue.reap()
    assert take(queue, "w2") == job_id
    assert not queue.table.commit(job_id, "w1", 30)
    assert not queue.table.succeed(job_id, "w1", MADE)
    assert queue.table.succeed(job_id, "w2", MADE)


def test_a_job_given_back_counts_as_untried(queue: JobQueue) -> None:
    job_id = submit(queue)
    for _ in range(4):
        assert take(queue) == job_id
        assert queue.requeue(job_id, "w1")
    assert queue.read(job_id)["state"] == "queued"
    assert queue.table.read(job_id).lost == 0


def test_cancel_a_queued_job(queue: JobQueue) -> None:
    job_id = submit(queue)
    assert queue.cancel(job_id, "tester")["state"] == "cancelled"
    assert queue.claim("w1") is None
    assert queue.cancel(job_id, "tester")["state"] == "cancelled"


def test_cancel_a_running_job_takes_it_from_its_worker(queue: JobQueue) -> None:
    job_id = submit(queue)
    take(queue)
    queue.cancel(job_id, "tester")
    assert not queue.table.hold(job_id, "w1", 30)
    assert not queue.table.commit(job_id, "w1", 30)


def test_a_job_that_registers_or_has_ended_cannot_be_cancelled(queue: JobQueue) -> None:
    job_id = submit(queue)
    take(queue)
    queue.table.commit(job_id, "w1", 30)
    with pytest.raises(Conflict):
        queue.cancel(job_id, "tester")
    queue.table.succeed(job_id, "w1", MADE)
    with pytest.raises(Conflict):
        queue.cancel(job_id, "tester")
    assert queue.read(job_id)["state"] == "succeeded"


def test_a_lost_job_that_was_registering_can_be_cancelled_again(
    queue: JobQueue, clock: Clock
) -> None:
    job_id = submit(queue)
    take(queue)
    queue.table.commit(job_id, "w1", 30)
    clock.now += 31
    queue.reap()
    assert queue.cancel(job_id, "tester")["state"] == "cancelled"


def test_an_unknown_job(queue: JobQueue) -> None:
    for act in (queue.read, queue.events, lambda job_id: queue.cancel(job_id, "tester")):
        with pytest.raises(JobUnknown, match="no such job"):
            act("0" * 32)


def test_workers_are_heard(queue: JobQueue, clock: Clock) -> None:
    assert queue.table.workers(30) == 0
    queue.table.note_worker("w1")
    queue.table.note_worker("w1")
    queue.table.note_worker("w2")
    assert queue.table.workers(30) == 2
    queue.table.forget_worker("w2")
    assert queue.table.workers(30) == 1
    clock.now += 31
    assert queue.table.workers(30) == 0


def test_a_job_is_kept_for_thirty_days_after_its_end(queue: JobQueue, clock: Clock) -> None:
    job_id = submit(queue)
    queue.cancel(job_id, "tester")
    clock.now += 30 * 86_400
    queue.table.forget()
    assert queue.read(job_id)["state"] == "cancelled"
    clock.now += 1
    queue.table.forget()
    with pytest.raises(JobUnknown):
        queue.read(job_id)


def test_an_order_has_the_same_digest_whatever_its_members_order() -> None:
    one = Order("credit", recipe="credit", parameters={"a": 1, "b": 2})
    two = Order("credit", recipe="credit", parameters={"b": 2, "a": 1})
    other = Order("credit", recipe="credit", parameters={"a": 1, "b": 3})
    assert one.digest() == two.digest() != other.digest()
