"""Offers requests at a given rate, whether or not the answers keep up.

Arrivals are independent of each other (exponential gaps, seeded, so that two
systems get the same ones). A latency counts from the moment the request was due,
not from when a connection was free for it, so a slow answer is charged with all
that waited behind it: https://www.scylladb.com/2021/04/22/on-coordinated-omission/
"""

from __future__ import annotations

import gc
import random
import select
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, cycle
from time import perf_counter
from typing import NamedTuple

from benchmarks.server import Request

GRACE = 10.0


class Answer(NamedTuple):
    """An answer with status 200: to which of the requests, when it was sent and read, its body."""

    index: int
    sent: float
    received: float
    body: bytes


class Offered(NamedTuple):
    """What was seen: the rate asked for, latencies in seconds, sorted, and those without a 200.

    `late` is, sorted, by how much each request left after it was due: what the
    generator itself, or the wait for a free connection, added.
    """

    rate: float
    latencies: list[float]
    failed: int
    late: list[float]

    def percentile(self, share: float) -> float:
        """Return the latency that `share` (0 to 1) of the answers did not exceed."""
        return at(self.latencies, share)


def at(values: Sequence[float], share: float) -> float:
    """Return the value at a share (0 to 1) of sorted values, the nearest rank."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """Return when requests are due, in seconds from the start."""
    chance = random.Random(seed)
    gaps = (chance.expovariate(rate) for _ in range(int(rate * seconds)))
    return list(accumulate(gaps))


def offer(
    port: int,
    requests: Sequence[Request],
    *,
    rate: float,
    seconds: float,
    connections: int = 64,
    seed: int = 0,
    on_answer: Callable[[Answer], object] | None = None,
) -> Offered:
    """Offer the requests in turn at `rate` a second; a lost connection counts as a failure.

    `on_answer` takes the answers as they come; it must be quick.
    """
    sent = cycle(enumerate(encoded(port, request) for request in requests))
    gc.disable()
    try:
        return _Offering(port, connections, sent, on_answer).run(
            arrivals(rate, seconds, seed), rate
        )
    finally:
        gc.enable()


def encoded(port: int, request: Request) -> bytes:
    """Return the bytes of a request over HTTP/1.1."""
    headers = {"Host": f"127.0.0.1:{port}", "Content-Length": str(len(request.body))}
    lines = [f"{name}: {value}" for name, value in {**headers, **request.headers}.items()]
    head = "\r\n".join([f"POST {request.path} HTTP/1.1", *lines, "", ""])
    return head.encode() + request.body


class _Line:
    """One connection: what it received so far, and the request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=GRACE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.due = 0.0
        self.sent = 0.0
        self.index = 0

    def fileno(self) -> int:
        return self.socket.fileno()


class _Offering:
    def __init__(
        self,
        port: int,
        connections: int,
        sent: Iterator[tuple[int, bytes]],
        on_answer: Callable[[Answer], object] | None,
    ) -> None:
        self.port = port
        self.on_answer = on_answer
        self.free = [_Line(port) for _ in range(connections)]
        self.busy: set[_Line] = set()
        self.sent = sent
        self.latencies: list[float] = []
        self.late: list[float] = []
        self.failed = 0

    def run(self, due: list[float], rate: float) -> Offered:
        started = perf_counter()
        waiting = deque(started + moment for moment in due)
        deadline = started + due[-1] + GRACE
        while (waiting or self.busy) and perf_counter() < deadline:
            self._send_due(waiting)
            self._receive(self._pause(waiting))
        self.failed += len(waiting) + len(self.busy)
        for line in (*self.free, *self.busy):
            line.socket.close()
        return Offered(rate, sorted(self.latencies), self.failed, sorted(self.late))

    def _send_due(self, waiting: deque[float]) -> None:
        while waiting and self.free and waiting[0] <= (now := perf_counter()):
            line = self.free.pop()
            line.due, line.sent = waiting.popleft(), now
            self.late.append(now - line.due)
            self.busy.add(line)
            line.index, data = next(self.sent)
            try:
                line.socket.sendall(data)
            except OSError:
                self._replace(line)

    def _pause(self, waiting: deque[float]) -> float:
        if not waiting or not self.free:
            return 0.1
        return max(0.0, waiting[0] - perf_counter())

    def _receive(self, pause: float) -> None:
        # select, since epoll's timeout is in whole milliseconds.
        for line in select.select(self.busy, (), (), pause)[0]:
            try:
                data = line.socket.recv(65536)
            except OSError:
                data = b""
            if data:
                self._take(line, data)
            else:
                self._replace(line)

    def _take(self, line: _Line, data: bytes) -> None:
        line.received += data
        head, blank, body = line.received.partition(b"\r\n\r\n")
        if not blank or len(body) < content_length(head):
            return
        if head.startswith(b"HTTP/1.1 200"):
            now = perf_counter()
            self.latencies.append(now - line.due)
            if self.on_answer:
                self.on_answer(Answer(line.index, line.sent, now, body))
        else:
            self.failed += 1
        line.received = b""
        self.busy.discard(line)
        self.free.append(line)

    def _replace(self, line: _Line) -> None:
        self.failed += 1
        line.socket.close()
        self.busy.discard(line)
        self.free.append(_Line(self.port))


def content_length(head: bytes) -> int:
    """Return the length that an answer's head announces; raises ValueError without one."""
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    if not found:
        raise ValueError("the answer announces no Content-Length")
    return int(rest.split(b"\r\n", 1)[0])
