"""Starts a system's server on its cores, waits for its first answer, and stops it again."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.environments import Unavailable, last_line
from benchmarks.process_tree import tree

SERVER_CORES = "0"
CLIENT_CORE = 1
START_SECONDS = 90
STOP_SECONDS = 10
PAUSE = 0.005


class Request(NamedTuple):
    """A request that is sent again and again."""

    path: str
    body: bytes
    headers: Mapping[str, str]


# Sends a request to a port and returns the status and the body; raises OSError.
Asking = Callable[[int, Request], tuple[int, bytes]]


class Server(NamedTuple):
    """A running server: its process, where it listens, and how long its first answer took."""

    pid: int
    port: int
    seconds_to_first_answer: float
    first_answer: bytes


def ask(port: int, request: Request, timeout: float = 60) -> tuple[int, bytes]:
    """Send one request on a connection of its own; return the status and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST", request.path, request.body, dict(request.headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@contextmanager
def running(
    command: Sequence[str | Path],
    request: Request,
    *,
    port: int,
    folder: Path,
    environ: Mapping[str, str],
    cores: str = SERVER_CORES,
    asking: Asking = ask,
) -> Iterator[Server]:
    """Run a server until the block ends; raises Unavailable when it does not answer `request`."""
    log = folder / "server.log"
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            ["taskset", "-c", cores, *command],
            cwd=folder,
            env={**os.environ, **environ},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        answer = _first_answer(process, partial(asking, port, request), log)
        yield Server(process.pid, port, time.perf_counter() - started, answer)
    finally:
        _stop(process)


def _first_answer(
    process: subprocess.Popen[bytes], asking: Callable[[], tuple[int, bytes]], log: Path
) -> bytes:
    deadline = time.monotonic() + START_SECONDS
    seen = "nothing"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Unavailable(f"does not start: {last_line(log.read_text(errors='replace'))}")
        try:
            status, answer = asking()
        except (OSError, http.client.HTTPException) as error:
            seen = type(error).__name__
        else:
            if status == 200:
                return answer
            seen = f"status {status}"
        time.sleep(PAUSE)
    raise Unavailable(f"does not answer within {START_SECONDS} s: {seen}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and every descendant, some of which may not follow their parent."""
    members = tree(process.pid)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    for member in members:
        with suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)
    process.wait()
