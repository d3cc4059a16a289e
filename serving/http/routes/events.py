"""A job's changes as server-sent events (html.spec.whatwg.org, section 9.2).

Each event's data is JSON: the members of the job's document that changed (null:
gone; `log`: new lines), and its id is the job's revision, from which a client
goes on with Last-Event-ID. One question to the database serves every watcher
of a process, and no watcher holds a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

from flask import Blueprint, Response, request

from errors import MiranteError, Overloaded, StoreUnavailable
from serving.auth import Guard
from serving.cors import Cors
from serving.exchange import Answer, Headers
from serving.http.access import check_key
from serving.http.operation import TEXT, Operation, described
from serving.observation import Observation
from serving.problems import refuse
from serving.request_ids import RequestIds
from serving.service import complete
from serving.trace_context import TraceContext, trace_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

POLL = 0.5  # seconds between two questions to the database
# A comment, so that no proxy closes a silent connection; Heroku's router does after 55 s.
KEEP_ALIVE = 15.0
SILENCE = b": still here\n\n"
HEADERS = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
MEDIA_TYPE = b"text/event-stream"
MOST_WATCHERS = 1000
RETRY_AFTER = 15
# The scope's state has under this name an event that is set when the worker stops.
STOPPING = "stopping"

ROUTE = "/v0/jobs/<job_id>/events"
_PATH = re.compile(r"/v0/jobs/([0-9a-f]{32})/events")
_FINAL = re.compile(r'"state":"(?:succeeded|failed|cancelled)"')


_EVENTS = Operation(
    "Training",
    "A job's changes as server-sent events; 204 when all is said",
    {MEDIA_TYPE.decode(): {"schema": TEXT}},
    (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
    key="train",
    parameters=({"name": "Last-Event-ID", "in": "header", "schema": TEXT},),
)


class Change(Protocol):
    """One change of a job."""

    @property
    def seq(self) -> int:
        """The job's revision after it."""
        ...

    @property
    def data(self) -> str:
        """What changed, as JSON in one line."""
        ...


class Changes(Protocol):
    """Where changes come from: the queue."""

    def events(self, job_id: str, after: int = 0) -> Sequence[Change]:
        """Return a job's changes after that one. Raises JobUnknown."""
        ...

    def revisions(self, job_ids: list[str]) -> dict[str, int]:
        """Return the newest revision of each of these jobs."""
        ...


class Feed:
    """One job's changes, as the watchers of this process share them."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.watchers = 0
        self.grew = asyncio.Event()
        self.filling = asyncio.Lock()

    @property
    def revision(self) -> int:
        """The newest change that is known here."""
        return self.changes[-1].seq if self.changes else 0

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return bool(self.changes and _FINAL.search(self.changes[-1].data))

    def add(self, changes: Sequence[Change]) -> None:
        """Take new changes in and wake every watcher."""
        self.changes += [change for change in changes if change.seq > self.revision]
        self.grew.set()
        self.grew = asyncio.Event()

    def after(self, seq: int) -> bytes:
        """Return the events after that one, as they are sent."""
        return b"".join(_event(change) for change in self.changes if change.seq > seq)


class Hub:
    """Follows the jobs that somebody watches: one poller, however many watch."""

    def __init__(self, get_changes: Callable[[], Changes], poll: float = POLL) -> None:
        self._get_changes = get_changes
        self._poll = poll
        self._feeds: dict[str, Feed] = {}
        self._poller: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def feed(self, job_id: str) -> AsyncIterator[Feed]:
        """Give a job's feed with all its changes so far.

        Raises JobUnknown, StoreUnavailable, and Overloaded when too many watch.
        """
        if sum(known.watchers for known in self._feeds.values()) >= MOST_WATCHERS:
            raise Overloaded(f"more than {MOST_WATCHERS} watchers at once", RETRY_AFTER)
        feed = self._feeds.setdefault(job_id, Feed())
        feed.watchers += 1
        try:
            async with feed.filling:
                if not feed.changes:
                    await self._fill(job_id, feed)
            if self._poller is None or self._poller.done():
                self._poller = asyncio.create_task(self._follow())
            yield feed
        finally:
            feed.watchers -= 1
            if not feed.watchers:
                self._feeds.pop(job_id, None)

    async def _fill(self, job_id: str, feed: Feed) -> None:
        feed.add(await asyncio.to_thread(self._events, job_id, feed.revision))

    async def _follow(self) -> None:
        while self._feeds:
            await asyncio.sleep(self._poll)
            # A database that is away for a moment is news to nobody here.
            with contextlib.suppress(StoreUnavailable):
                await self._look()

    async def _look(self) -> None:
        watched = {job_id: feed for job_id, feed in self._feeds.items() if not feed.is_final}
        if not watched:
            return
        newest = await asyncio.to_thread(self._revisions, list(watched))
        for job_id, feed in watched.items():
            if newest.get(job_id, 0) > feed.revision:
                await self._fill(job_id, feed)

    # The first of these opens the queue, which takes a while: hence in a thread, too.

    def _events(self, job_id: str, after: int) -> Sequence[Change]:
        return self._get_changes().events(job_id, after)

    def _revisions(self, job_ids: list[str]) -> dict[str, int]:
        return self._get_changes().revisions(job_ids)


class Watcher(NamedTuple):
    """A request to watch a job."""

    path: str
    headers: dict[bytes, bytes]
    request_id: str
    trace: TraceContext | None = None


class EventStreams:
    """Answers the events of jobs on the event loop; `find` is a stream of `AsgiApplication`."""

    def __init__(
        self,
        get_changes: Callable[[], Changes],
        guard: Guard,
        request_ids: RequestIds,
        cors: Cors,
        observation: Observation,
    ) -> None:
        self._hub = Hub(get_changes)
        self._guard = guard
        self._request_ids = request_ids
        self._cors = cors
        self._observation = observation

    def find(self, scope: Scope) -> Application | None:
        """Return this application for a GET of a job's events, else None."""
        return self if scope["method"] == "GET" and _PATH.fullmatch(scope["path"]) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one watcher, for as long as the job runs and the watcher stays."""
        watcher = _watcher(scope, self._request_ids)
        try:
            client = scope["client"][0] if scope.get("client") else ""
            self._guard.check(scope["headers"], "train", client)
            stopping = scope.get("state", {}).get(STOPPING)
            found = _PATH.fullmatch(watcher.path)
            assert found is not None
            async with self._hub.feed(found[1]) as feed:
                await self._watch(feed, watcher, receive, send, stopping)
        except MiranteError as error:
            await self._send(refuse(error, watcher.request_id), watcher, send, str(error))

    async def _watch(
        self,
        feed: Feed,
        watcher: Watcher,
        receive: Receive,
        send: Send,
        stopping: asyncio.Event | None,
    ) -> None:
        seq = _last_id(watcher.headers.get(b"last-event-id", b""), feed.revision)
        if feed.is_final and seq == feed.revision:
            # All is said; by 204 a browser knows not to ask again.
            await self._send(Answer(HTTPStatus.NO_CONTENT, b""), watcher, send)
            return
        watcher = self._record(watcher, HTTPStatus.OK)
        await _start(self._headers(watcher), send)
        gone = asyncio.ensure_future(_over(receive, stopping))
        try:
            async for data in _follow(feed, seq, gone):
                await send({"type": "http.response.body", "body": data, "more_body": True})
        finally:
            gone.cancel()
        await send({"type": "http.response.body", "body": b""})

    def _record(self, watcher: Watcher, status: int, detail: str = "") -> Watcher:
        # How long somebody watches is no latency: the line is written when the answer begins.
        trace = self._observation.record(
            request_id=watcher.request_id,
            method="GET",
            route=ROUTE,
            status=status,
            seconds=0.0,
            detail=detail,
            trace=watcher.trace,
            headers=watcher.headers,
        )
        return watcher._replace(trace=trace)

    def _complete(self, answer: Answer, watcher: Watcher) -> Answer:
        return complete(answer, watcher.headers, watcher.request_id, self._cors, watcher.trace)

    def _headers(self, watcher: Watcher) -> Headers:
        answer = self._complete(Answer(200, b"", MEDIA_TYPE, HEADERS), watcher)
        return ((b"content-type", MEDIA_TYPE), *answer.headers)

    async def _send(self, answer: Answer, watcher: Watcher, send: Send, detail: str = "") -> None:
        watcher = self._record(watcher, answer.status, detail)
        answer = self._complete(answer, watcher)
        length = (b"content-length", str(len(answer.body)).encode())
        kind = (
            ()
            if answer.status == HTTPStatus.NO_CONTENT
            else ((b"content-type", answer.content_type), length)
        )
        await _start((*kind, *answer.headers), send, int(answer.status))
        await send({"type": "http.response.body", "body": answer.body})


async def _follow(feed: Feed, seq: int, gone: asyncio.Future[None]) -> AsyncIterator[bytes]:
    while not gone.done():
        grew: asyncio.Future[Any] = asyncio.ensure_future(feed.grew.wait())
        if feed.revision > seq:
            yield feed.after(seq)
            seq = feed.revision
        if feed.is_final:
            grew.cancel()
            return
        done, _ = await asyncio.wait(
            {grew, gone}, timeout=KEEP_ALIVE, return_when=asyncio.FIRST_COMPLETED
        )
        grew.cancel()
        if not done:
            yield SILENCE


async def _over(receive: Receive, stopping: asyncio.Event | None) -> None:
    """Wait until the watcher leaves, or until the worker stops: another one goes on then."""
    waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(_disconnected(receive))]
    if stopping is not None:
        waiting.append(asyncio.ensure_future(stopping.wait()))
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _start(headers: Headers, send: Send, status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


def _watcher(scope: Scope, request_ids: RequestIds) -> Watcher:
    headers = dict(scope["headers"])
    request_id = request_ids.of(headers.get(b"x-request-id"))
    return Watcher(scope["path"], headers, request_id, trace_of(headers))


def _last_id(given: bytes, newest: int) -> int:
    """Return the event to go on after; what is no id of this job begins anew."""
    number = int(given) if given.isdigit() and len(given) < 10 else 0
    return number if number <= newest else 0


def _event(change: Change) -> bytes:
    return f"id: {change.seq}\ndata: {change.data}\n\n".encode()


def events_blueprint(get_changes: Callable[[], Changes], guard: Guard) -> Blueprint:
    """Return the blueprint of the same route, for servers that speak WSGI: a thread a watcher."""
    blueprint = Blueprint("events", __name__)

    @blueprint.get(ROUTE)
    @described(_EVENTS)
    def events(job_id: str) -> Response:
        check_key(guard, "train")
        changes = get_changes()
        known = changes.events(job_id)
        seq = _last_id(request.headers.get("Last-Event-ID", "").encode(), known[-1].seq)
        if _FINAL.search(known[-1].data) and seq == known[-1].seq:
            return Response(status=204)
        headers = {name.decode(): value.decode() for name, value in HEADERS}
        return Response(_poll(changes, job_id, seq), mimetype=MEDIA_TYPE.decode(), headers=headers)

    return blueprint


def _poll(changes: Changes, job_id: str, seq: int) -> Iterator[bytes]:
    silent_since = time.monotonic()
    while True:
        fresh = changes.events(job_id, seq)
        if fresh:
            yield b"".join(_event(change) for change in fresh)
            seq, silent_since = fresh[-1].seq, time.monotonic()
            if _FINAL.search(fresh[-1].data):
                return
        elif time.monotonic() - silent_since > KEEP_ALIVE:
            yield SILENCE
            silent_since = time.monotonic()
        time.sleep(POLL)
