"""What is lost while a service under load is started again: by HUP, and by SIGTERM and a start.

`python -m benchmarks.restart_under_load` starts two workers, lets five kinds of
clients ask all the time, and restarts the service again and again. A client
writes down what became of every request:

- answered: its status is 200, and its body is whole;
- refused: no connection came about, since nothing listened; nobody took the request;
- crossed: the client sent it before it had read the answer that says `Connection: close`;
- closed, reset, cut: the connection ended before an answer began, by an end of
  file or by a reset, or within an answer. These are lost.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from statistics import median
from typing import NamedTuple

import psutil
import requests
import urllib3

from benchmarks import bodies
from benchmarks.catalog import COMPARED, OURS_TWICE
from benchmarks.deployment import prepare, request_of, serving
from benchmarks.environments import WORK
from benchmarks.machine import describe
from benchmarks.offered_load import content_length, encoded
from benchmarks.report import milliseconds, table, write_section
from benchmarks.server import CLIENT_CORE, Request
from benchmarks.settings import port_of

NAME = "restarts"
OUTCOMES = ("sent", "answered", "refused", "crossed", "closed", "reset", "cut", "other status")
LOST = ("closed", "reset", "cut", "other status")
ANSWER_SECONDS = 30.0
LEGEND = (
    "Two workers on core 0, six kinds of clients on core 1, all at once. `refused`: no connection "
    "came about, since nothing listened. `crossed`: sent before the answer that says "
    "`Connection: close` was read. Lost are those `closed` (end of file before an answer), `reset` "
    "(before an answer) and `cut` (within one). How long: until the old workers, or the service, "
    "had ended."
)
# Between two restarts the service is left alone for so long.
CALM = 0.4


class Load(NamedTuple):
    """What every client needs: where and what to ask, and until when."""

    port: int
    request: Request
    ended: threading.Event


class Manner(NamedTuple):
    """How a client asks: over kept connections or not, how many at once, with which pauses.

    One that is `ahead` sends its next request before it reads an answer.
    """

    title: str
    clients: int
    kept: bool = True
    depth: int = 1
    pause: float = 0.004
    ahead: bool = False


MANNERS = (
    Manner("a connection each", 6, kept=False),
    Manner("kept connections", 4),
    Manner("kept, with pauses up to 3 s", 8, pause=3.0),
    Manner("kept, 4 requests at once", 2, depth=4, pause=0.01),
    Manner("kept, the next one sent ahead", 2, ahead=True),
)
STOCK = "requests.Session, 2 threads"


class Restarted(NamedTuple):
    """What was counted by each kind of client, and how long each restart took, in seconds."""

    counts: dict[str, Counter[str]]
    seconds: list[float]

    @property
    def lost(self) -> int:
        """How many requests were lost."""
        return sum(counted[outcome] for counted in self.counts.values() for outcome in LOST)


async def ask_on(load: Load, manner: Manner, counted: Counter[str], chance: random.Random) -> None:
    """Ask until the load ends, over one connection after another."""
    while not load.ended.is_set():
        try:
            async with _connection(load.port) as (reader, writer):
                await _converse(load, manner, counted, chance, reader, writer)
        except OSError as error:
            counted["sent"] += 1
            counted["refused" if isinstance(error, ConnectionRefusedError) else "reset"] += 1
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _connection(
    port: int,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _converse(
    load: Load,
    manner: Manner,
    counted: Counter[str],
    chance: random.Random,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Ask over one connection until either side ends it; count what becomes of each request."""
    data, waiting = _bytes_of(load, manner), 0
    while not reader.at_eof() and not (load.ended.is_set() and not waiting):
        new = 0 if load.ended.is_set() else manner.depth + (manner.ahead and not waiting)
        writer.write(data * new)
        counted["sent"] += new
        waiting += new
        for _ in range(manner.depth):
            outcome, last = await _answer(reader)
            counted[outcome] += 1
            waiting -= 1
            if last or outcome in LOST:
                # What stood in the same packets was sent before anything was said.
                counted["crossed" if manner.ahead and last else "closed"] += waiting
                counted["reset after close"] += last and await _is_reset(reader)
                return
        await asyncio.sleep(chance.uniform(0, manner.pause))
        if not manner.kept:
            return


def _bytes_of(load: Load, manner: Manner) -> bytes:
    request = load.request
    if not manner.kept:
        request = request._replace(headers={**request.headers, "Connection": "close"})
    return encoded(load.port, request)


async def _answer(reader: asyncio.StreamReader) -> tuple[str, bool]:
    """Return what became of the next answer, and whether it is the connection's last."""
    head = b""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(content_length(head))
    except asyncio.IncompleteReadError as end:
        return ("cut" if head or end.partial else "closed"), False
    except (OSError, TimeoutError):
        return ("cut" if head else "reset"), False
    said = b"\r\nconnection: close\r\n" in head.lower()
    return ("answered" if head.startswith(b"HTTP/1.1 200") else "other status"), said


async def _is_reset(reader: asyncio.StreamReader) -> bool:
    """Read a connection to its end, and say whether that is a reset."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await reader.read()
    except OSError:
        return True
    return False


def ask_by_session(load: Load, counted: Counter[str]) -> None:
    """Ask by a stock client, which keeps a pool of connections and sends nothing twice."""
    url = f"http://127.0.0.1:{load.port}{load.request.path}"
    with requests.Session() as session:
        while not load.ended.wait(0.004):
            counted["sent"] += 1
            try:
                answer = session.post(
                    url, load.request.body, headers=dict(load.request.headers), timeout=30
                )
            except requests.RequestException as error:
                counted[_outcome_of(error)] += 1
                time.sleep(0.02)
            else:
                counted["answered" if answer.status_code == 200 else "other status"] += 1


def _outcome_of(error: requests.RequestException) -> str:
    causes = [str(error)]
    cause: BaseException | None = error
    while cause is not None:
        cause = cause.__cause__ or cause.__context__
        if isinstance(cause, urllib3.exceptions.NewConnectionError):
            return "refused"
        causes.append(type(cause).__name__)
    return "reset" if "ConnectionResetError" in causes else "closed"


def under_load(load: Load, restart: Callable[[], list[float]]) -> Restarted:
    """Run every kind of client while `restart` does its work."""
    counts = {manner.title: Counter[str]() for manner in MANNERS} | {STOCK: Counter[str]()}
    threads = [
        threading.Thread(target=ask_by_session, args=(load, counts[STOCK])) for _ in range(2)
    ]
    threads.append(threading.Thread(target=asyncio.run, args=(_all_manners(load, counts),)))
    for thread in threads:
        thread.start()
    try:
        seconds = restart()
    finally:
        load.ended.set()
        for thread in threads:
            thread.join()
    return Restarted(counts, seconds)


async def _all_manners(load: Load, counts: dict[str, Counter[str]]) -> None:
    async with asyncio.TaskGroup() as group:
        for manner in MANNERS:
            for seed in range(manner.clients):
                asking = ask_on(load, manner, counts[manner.title], random.Random(seed))
                group.create_task(asking)


def hang_up(master: int, times: int) -> list[float]:
    """Send HUP so often; return how long it took each time until the old workers were gone."""
    seconds = []
    for _ in range(times):
        time.sleep(CALM)
        old = set(psutil.Process(master).children())
        begun = time.perf_counter()
        os.kill(master, signal.SIGHUP)
        _, alive = psutil.wait_procs(_web_workers(old), timeout=60)
        if alive:
            raise RuntimeError("a worker outlived a HUP by a minute")
        seconds.append(time.perf_counter() - begun)
    return seconds


def _web_workers(processes: set[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if "gunicorn" in process.name()]


def measure(times: int, port: int) -> tuple[Restarted, Restarted]:
    """Measure HUPs, and stops with starts; return what was counted."""
    prepare(OURS_TWICE)
    rows = bodies.read_rows()[:1]
    load = Load(port, request_of(OURS_TWICE, rows), threading.Event())
    with serving(OURS_TWICE, rows, port=port) as server:
        pid = server.pid
        hung_up = under_load(load, lambda: hang_up(pid, times))
    load = load._replace(ended=threading.Event())

    def stop_and_start() -> list[float]:
        seconds = []
        for _ in range(times):
            with ExitStack() as stack:
                stack.enter_context(serving(OURS_TWICE, rows, port=port))
                time.sleep(CALM)
                begun = time.perf_counter()
            seconds.append(time.perf_counter() - begun)
        return seconds

    return hung_up, under_load(load, stop_and_start)


def render(title: str, seen: Restarted) -> str:
    """Return the table of one way to restart."""
    columns = (*OUTCOMES, "reset after close")
    rows = [
        (name, *(f"{counted[outcome]:,}" for outcome in columns))
        for name, counted in seen.counts.items()
    ]
    shown = table((title, *columns), rows)
    took = f"median {milliseconds(median(seen.seconds))} ms, slowest "
    return f"{shown}\n{len(seen.seconds)} times, {took}{milliseconds(max(seen.seconds))} ms.\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print; the exit code is 1 when a request was lost."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=20, help="how often each way")
    parser.add_argument("--port", type=int, default=port_of(len(COMPARED)))
    parser.add_argument("--write", action="store_true", help="keep it in benchmarks/RESULTS.md")
    options = parser.parse_args(arguments)
    os.sched_setaffinity(0, {CLIENT_CORE})
    WORK.mkdir(exist_ok=True)
    machine = describe(["python -m benchmarks.restart_under_load", *sys.argv[1:]], [None])
    hung_up, stopped = measure(options.times, options.port)
    tables = f"{render('HUP', hung_up)}\n{render('SIGTERM and a start', stopped)}"
    text = f"## What a restart under load loses\n\n{LEGEND}\n\n{tables}\n{machine}"
    print(text)
    if options.write:
        write_section(NAME, text)
    return 1 if hung_up.lost + stopped.lost else 0


if __name__ == "__main__":
    sys.exit(main())
