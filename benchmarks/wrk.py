"""Loads a server with wrk and reads what it measured."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from typing import NamedTuple

from benchmarks.environments import HERE, WORK
from benchmarks.server import CLIENT_CORE

SCRIPT = HERE / "wrk_post.lua"
MARK = "FIGURES "
TIMEOUT = "20s"


class Load(NamedTuple):
    """What wrk saw: answers with status 200, the rest, and latencies in seconds."""

    answered: int
    failed: int
    seconds: float
    p50: float
    p99: float
    slowest: float

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answered / self.seconds


def load(
    port: int,
    path: str,
    bodies: Iterable[bytes],
    headers: dict[str, str],
    *,
    seconds: float,
    connections: int = 16,
) -> Load:
    """Send the bodies in turn over so many connections for so long, each as fast as it can."""
    file = WORK / f"bodies-{port}"
    file.write_bytes(frame(bodies))
    given = [f"{name}: {value}" for name, value in headers.items()]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", TIMEOUT]
    target = ["-s", SCRIPT, f"http://127.0.0.1:{port}{path}", "--", file, *given]
    done = subprocess.run(
        ["taskset", "-c", str(CLIENT_CORE), *command, *target],
        capture_output=True,
        text=True,
        check=False,
    )
    return parse(done.stdout or done.stderr)


def frame(bodies: Iterable[bytes]) -> bytes:
    """Return the bodies one after the other, each after its length on a line."""
    return b"".join(b"%d\n%s" % (len(body), body) for body in bodies)


def parse(output: str) -> Load:
    """Read the line that wrk_post.lua prints at the end; raises ValueError without one."""
    lines = [line for line in output.splitlines() if line.startswith(MARK)]
    if not lines:
        raise ValueError(f"wrk measured nothing: {output.strip() or 'it printed nothing'}")
    figures = json.loads(lines[-1].removeprefix(MARK))
    return Load(
        answered=figures["requests"] - figures["status"],
        failed=figures["status"] + figures["socket"],
        seconds=figures["microseconds"] / 1e6,
        p50=figures["p50"] / 1e6,
        p99=figures["p99"] / 1e6,
        slowest=figures["max"] / 1e6,
    )
