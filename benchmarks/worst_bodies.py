"""What the worst bodies cost: `python -m benchmarks.worst_bodies --port 8000`.

Each is sent to a service that was just started, one worker on one core, and while
it is worked on `/livez` is asked again and again on another connection: how long
that waits is how long the worker answered nobody. Memory is that of the worker.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks import bodies
from benchmarks.catalog import OURS
from benchmarks.deployment import prepare, serving
from benchmarks.environments import WORK
from benchmarks.hostile_bodies import BODIES, Body
from benchmarks.machine import describe
from benchmarks.process_tree import forget_peak, peak_bytes, resident_bytes
from benchmarks.report import Reach, megabytes, milliseconds, reaches, table, write_section
from benchmarks.server import CLIENT_CORE
from benchmarks.settings import FIRST_PORT

NAME = "worst-bodies"
# Nothing is awaited for longer; the worst of them took 29 s once.
PATIENCE = 120.0
PAUSE = 0.005
# The worker gives memory back after its answer has left.
SETTLES = 1.0
# Sent first: what is loaded for the first body of a kind is no cost of a hostile one.
ORDINARY = (
    ("/v0/predict", "application/json", bodies.as_json),
    ("/invocations", "text/csv", bodies.as_csv),
)
HEADINGS = (
    *("body", "sent, MB", "unpacked, MB", "status", "answer, MB"),
    *("seconds", "of CPU", "/livez waited, ms", "of CPU", "RSS before, MB", "peak", "after"),
)


class Cost(NamedTuple):
    """What a body cost: seconds, and bytes of the worker's memory."""

    status: int
    answered: int
    seconds: float
    computed: float
    waited: float
    held: float
    asked: int
    before: int
    peak: int
    after: int

    @property
    def kept(self) -> int:
        """Memory that did not come back."""
        return self.after - self.before

    @property
    def took(self) -> int:
        """Memory at the peak, above what there was before."""
        return self.peak - self.before


class Measured(NamedTuple):
    """A body, its sizes as it is sent and unpacked, and its cost."""

    body: Body
    sent: int
    unpacked: int
    cost: Cost


class Asking(threading.Thread):
    """Asks `/livez` on one connection until it is told to end.

    `longest` is what an answer took, in seconds, and `held` the most that the worker computed
    while one was waited for: on a busy machine, the first is of the machine too.
    """

    def __init__(self, port: int, worker: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._worker = worker
        self._ended = threading.Event()
        self.longest, self.held, self.count = 0.0, 0.0, 0

    def run(self) -> None:
        """Ask and wait in turn."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        while not self._ended.is_set():
            began, computed = time.perf_counter(), computed_seconds(self._worker)
            connection.request("GET", "/livez")
            answer = connection.getresponse()
            answer.read()
            self.longest = max(self.longest, time.perf_counter() - began)
            self.held = max(self.held, computed_seconds(self._worker) - computed)
            self.count += answer.status == 200
            time.sleep(PAUSE)
        connection.close()

    def end(self) -> None:
        """Ask no more."""
        self._ended.set()
        self.join()


def computed_seconds(pid: int) -> float:
    """Return what all threads of a process have computed, to the nanosecond.

    https://docs.kernel.org/scheduler/sched-stats.html
    """
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def send(port: int, path: str, headers: dict[str, str], body: bytes) -> tuple[int, int]:
    """Send a body, however soon it is answered, and return the status and the answer's size."""
    lines = [f"POST {path} HTTP/1.1", "Host: a", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        with contextlib.suppress(ConnectionError):  # refused by its head: the answer is there
            client.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        return answer.status, len(answer.read())


def cost_of(port: int, worker: int, path: str, headers: dict[str, str], body: bytes) -> Cost:
    """Send a body to a worker and return what it cost."""
    for where, media_type, write in ORDINARY:
        send(port, where, {"Content-Type": media_type}, write(bodies.read_rows()[:2000]))
    time.sleep(SETTLES)
    before = resident_bytes(worker)
    forget_peak(worker)
    asking = Asking(port, worker)
    asking.start()
    began, computed = time.perf_counter(), computed_seconds(worker)
    status, answered = send(port, path, headers, body)
    seconds = time.perf_counter() - began
    computed = computed_seconds(worker) - computed
    asking.end()
    peak = peak_bytes(worker)
    time.sleep(SETTLES)
    after = resident_bytes(worker)
    waited = asking.longest, asking.held, asking.count
    return Cost(status, answered, seconds, computed, *waited, before, peak, after)


def measure(body: Body, port: int) -> Measured:
    """Send a body to a service of its own."""
    unpacked = body.make()
    packed = body.pack(unpacked)
    with serving(OURS, bodies.read_rows(), port=port) as server:
        (worker,) = web_workers(server.pid)
        cost = cost_of(port, worker, body.path, body.headers, packed)
    measured = Measured(body, len(packed), len(unpacked), cost)
    print(" | ".join(row_of(measured)), flush=True)
    return measured


def web_workers(master: int) -> list[int]:
    """Return the processes of a master's web workers."""
    children = psutil.Process(master).children()
    return [child.pid for child in children if "gunicorn" in child.name()]


def row_of(measured: Measured) -> tuple[str, ...]:
    """Return a line of the table."""
    body, sent, unpacked, cost = measured
    return (
        body.title,
        f"{sent / 1e6:.3f}",
        f"{unpacked / 1e6:.2f}",
        str(cost.status),
        f"{cost.answered / 1e6:.3f}",
        f"{cost.seconds:.2f}",
        f"{cost.computed:.2f}",
        milliseconds(cost.waited),
        milliseconds(cost.held),
        *(megabytes(size) for size in (cost.before, cost.peak, cost.after)),
    )


def render(measured: Sequence[Measured], command: Sequence[str]) -> str:
    """Return the section's text."""
    costs = [one.cost for one in measured]
    goals = (
        Reach("seconds of CPU of one body", 5, max(c.computed for c in costs)),
        Reach("ms of CPU while /livez waits", 50, max(c.held for c in costs) * 1e3),
        Reach("MB that do not come back", 30, max(c.kept for c in costs) / 1e6),
        Reach(
            "peak as often the unpacked size, of bodies of 5 MB and more",
            10,
            max((m.cost.took / m.unpacked for m in measured if m.unpacked > 5e6), default=None),
        ),
    )
    text = "## What the worst bodies cost\n\n" + table(HEADINGS, [row_of(one) for one in measured])
    return f"{text}\n{reaches(goals)}\n{describe(command, [None])}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Send every body, print the table, and with --write keep it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=FIRST_PORT)
    parser.add_argument("--only", default="", help="bodies whose title has this in it")
    parser.add_argument("--write", action="store_true", help="keep it in benchmarks/RESULTS.md")
    options = parser.parse_args(arguments)
    os.sched_setaffinity(0, {CLIENT_CORE})
    WORK.mkdir(exist_ok=True)
    prepare(OURS)
    chosen = [body for body in BODIES if options.only in body.title]
    measured = [measure(body, options.port + number % 50 * 2) for number, body in enumerate(chosen)]
    text = render(measured, ["python -m benchmarks.worst_bodies", *sys.argv[1:]])
    print(text)
    if options.write:
        write_section(NAME, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
