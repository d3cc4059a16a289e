from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from jobs.job import Result
from jobs.queue import JobQueue
from jobs.table import Event
from serving.cors import Cors
from serving.http.routes import events
from serving.http.routes.events import EventStreams
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds
from tests.serving.lifecycle import Lifecycle, make_lifecycle

ORDER = {"name": "credit", "recipe": "credit"}


class Counting:
    """The queue's changes, with a count of the questions to them."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self.polls = 0

    def events(self, job_id: str, after: int = 0) -> Sequence[Event]:
        """Return a job's changes."""
        self.polls += 1
        return self._queue.events(job_id, after)

    def revisions(self, job_ids: list[str]) -> dict[str, int]:
        """Return the newest revisions."""
        self.polls += 1
        return self._queue.revisions(job_ids)


class Watcher:
    """An ASGI client of the events of one job."""

    def __init__(self, streams: EventStreams, path: str, headers: dict[str, str]) -> None:
        self._streams = streams
        raw = [(k.lower().encode(), v.encode()) for k, v in headers.items()]
        self.scope = {"type": "http", "method": "GET", "path": path, "headers": raw}
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.done = False
        self._gone = asyncio.Event()

    async def run(self) -> None:
        """Ask, and take the answer in until it ends."""
        application = self._streams.find(self.scope)
        assert application is not None
        await application(self.scope, self._receive, self._send)

    def leave(self) -> None:
        """Close the connection."""
        self._gone.set()

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.body += message["body"]
            self.done = not message.get("more_body", False)

    @property
    def received(self) -> list[tuple[int, dict[str, Any]]]:
        """What was received: ids and changes."""
        return read(self.body)


def read(body: bytes) -> list[tuple[int, dict[str, Any]]]:
    found = []
    for block in body.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        if fields:
            found.append((int(fields["id"]), json.loads(fields["data"])))
    return found


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Lifecycle]:
    """The routes over an empty queue."""
    made = make_lifecycle(tmp_path)
    yield made
    made.queue.jobs_database.close()


@pytest.fixture
def changes(service: Lifecycle) -> Counting:
    """The queue's changes, counted."""
    return Counting(service.queue)


@pytest.fixture
def watch(
    service: Lifecycle, changes: Counting, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Watcher]:
    """Make watchers of one process."""
    monkeypatch.setattr(events, "KEEP_ALIVE", 0.3)
    observation = Observation(Metrics(), 0.0)
    streams = EventStreams(lambda: changes, service.guard, RequestIds(), Cors(("*",)), observation)

    def make(job_id: str, **headers: str) -> Watcher:
        return Watcher(streams, f"/v0/jobs/{job_id}/events", service.as_("train", **headers))

    return make


def submit(service: Lifecycle) -> str:
    return str(service.queue.submit(ORDER, who="a")["id"])


def finish(queue: JobQueue, job_id: str) -> None:
    queue.claim("w1")
    queue.table.report(job_id, "w1", "fit", 0.5, ["a line"])
    queue.table.succeed(job_id, "w1", Result("v1", True))


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, 30))


def test_a_watcher_is_told_everything_in_order(
    service: Lifecycle, watch: Callable[..., Watcher]
) -> None:
    job_id = submit(service)

    async def story() -> Watcher:
        watcher = watch(job_id)
        task = asyncio.create_task(watcher.run())
        await asyncio.sleep(0.5)
        assert [seq for seq, _ in watcher.received] == [1]
        await asyncio.to_thread(finish, service.queue, job_id)
        await task
        return watcher

    watcher = run(story())
    assert (watcher.status, watcher.done) == (200, True)
    assert watcher.headers[b"content-type"] == b"text/event-stream"
    assert watcher.headers[b"cache-control"] == b"no-store"
    assert b"x-request-id" in watcher.headers
    assert b": still here\n\n" in watcher.body
    assert [seq for seq, _ in watcher.received] == [1, 2, 3, 4]
    assert watcher.received[2][1] == {"stage": "fit", "fraction": 0.5, "log": ["a line"]}
    assert watcher.received[3][1]["state"] == "succeeded"


def test_a_watcher_goes_on_where_it_was(service: Lifecycle, watch: Callable[..., Watcher]) -> None:
    job_id = submit(service)
    finish(service.queue, job_id)

    async def ask(last: str) -> Watcher:
        watcher = watch(job_id, **{"Last-Event-ID": last})
        await watcher.run()
        return watcher

    assert [seq for seq, _ in run(ask("2")).received] == [3, 4]
    for nonsense in ("x", "-1", "99", "9" * 30, ""):
        assert [seq for seq, _ in run(ask(nonsense)).received] == [1, 2, 3, 4]
    at_the_end = run(ask("4"))
    assert (at_the_end.status, at_the_end.body) == (204, b"")


def test_two_hundred_watchers_cost_what_one_does(
    service: Lifecycle, watch: Callable[..., Watcher], changes: Counting
) -> None:
    job_id = submit(service)

    async def story() -> tuple[list[Watcher], float]:
        watchers = [watch(job_id) for _ in range(200)]
        tasks = [asyncio.create_task(watcher.run()) for watcher in watchers]
        await asyncio.sleep(0.2)
        began, slowest = time.monotonic(), 0.0
        threading.Thread(target=finish, args=(service.queue, job_id)).start()
        while not all(task.done() for task in tasks):
            before = time.monotonic()
            await asyncio.sleep(0.01)
            slowest = max(slowest, time.monotonic() - before)
        assert time.monotonic() - began < 10
        return watchers, slowest

    watchers, slowest = run(story())
    for watcher in watchers:
        assert [seq for seq, _ in watcher.received] == [1, 2, 3, 4]
    assert changes.polls < 20
    assert slowest < 1


def test_nobody_is_asked_when_nobody_watches(
    service: Lifecycle, watch: Callable[..., Watcher], changes: Counting
) -> None:
    job_id = submit(service)

    async def story() -> None:
        watcher = watch(job_id)
        task = asyncio.create_task(watcher.run())
        await asyncio.sleep(0.1)
        watcher.leave()
        await asyncio.wait_for(task, 1)
        await asyncio.sleep(2 * events.POLL)
        polls = changes.polls
        await asyncio.sleep(2 * events.POLL)
        assert changes.polls == polls
        again = watch(job_id)
        task = asyncio.create_task(again.run())
        await asyncio.to_thread(finish, service.queue, job_id)
        await task
        assert [seq for seq, _ in again.received] == [1, 2, 3, 4]

    run(story())


def test_too_many_watchers_are_told_to_come_back(
    service: Lifecycle, watch: Callable[..., Watcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert events.MOST_WATCHERS == 1000
    monkeypatch.setattr(events, "MOST_WATCHERS", 2)
    job_id = submit(service)

    async def story() -> Watcher:
        watchers = [watch(job_id) for _ in range(3)]
        tasks = [asyncio.create_task(watcher.run()) for watcher in watchers]
        await tasks[2]
        for watcher in watchers:
            watcher.leave()
        await asyncio.gather(*tasks)
        return watchers[2]

    refused = run(story())
    assert refused.status == 503
    assert int(refused.headers[b"retry-after"]) > 0


def test_a_stream_ends_in_order_when_its_worker_stops(
    service: Lifecycle, watch: Callable[..., Watcher]
) -> None:
    job_id = submit(service)

    async def story() -> Watcher:
        watcher = watch(job_id)
        stopping = asyncio.Event()
        scope: dict[str, Any] = watcher.scope
        scope["state"] = {events.STOPPING: stopping}
        task = asyncio.create_task(watcher.run())
        await asyncio.sleep(0.3)
        assert not watcher.done
        stopping.set()
        await asyncio.wait_for(task, 2)
        return watcher

    watcher = run(story())
    assert (watcher.status, watcher.done) == (200, True)
    assert [seq for seq, _ in watcher.received] == [1]


def test_who_may_not_watch(service: Lifecycle, watch: Callable[..., Watcher]) -> None:
    job_id = submit(service)
    for token, status in (("nonsense", 401), (service.tokens["predict"], 403)):
        watcher = watch(job_id, Authorization=f"Bearer {token}")
        run(watcher.run())
        assert watcher.status == status
        assert watcher.headers[b"content-type"] == b"application/problem+json"


def test_a_job_that_is_not_there(watch: Callable[..., Watcher]) -> None:
    watcher = watch("0" * 32)
    run(watcher.run())
    assert (watcher.status, watcher.done) == (404, True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"/v0/jobs/{'0' * 32}/events"),
        ("GET", f"/v0/jobs/{'0' * 32}"),
        ("GET", "/v0/jobs/../events"),
    ],
)
def test_other_requests_are_left_to_others(
    watch: Callable[..., Watcher], method: str, path: str
) -> None:
    streams = watch("0" * 32)._streams
    assert streams.find({"method": method, "path": path}) is None


def test_the_same_events_by_wsgi(service: Lifecycle) -> None:
    job_id = submit(service)
    finish(service.queue, job_id)
    path = f"/v0/jobs/{job_id}/events"
    answer = service.client.get(path, headers=service.as_("train"))
    assert answer.mimetype == "text/event-stream"
    assert [seq for seq, _ in read(answer.data)] == [1, 2, 3, 4]
    headers = service.as_("train", **{"Last-Event-ID": "3"})
    assert [seq for seq, _ in read(service.client.get(path, headers=headers).data)] == [4]
    headers = service.as_("train", **{"Last-Event-ID": "4"})
    assert service.client.get(path, headers=headers).status_code == 204
    headers = service.as_("train")
    assert service.client.get(f"/v0/jobs/{'0' * 32}/events", headers=headers).status_code == 404
