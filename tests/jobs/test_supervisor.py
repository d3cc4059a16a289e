from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.servers import wait_until

SUPERVISE = "import sys; from jobs.supervisor import supervise; supervise(sys.argv[1:])"
STEADY = "import time; time.sleep(60)"
BRIEF = "import sys; open(sys.argv[1], 'a').write('x')"


@contextmanager
def supervising(root: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", SUPERVISE, sys.executable, "-c", *words]
    with subprocess.Popen(command, cwd=root) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def only_child(process: subprocess.Popen[bytes]) -> psutil.Process:
    found: list[psutil.Process] = []

    def look() -> bool:
        found[:] = psutil.Process(process.pid).children()
        return bool(found)

    wait_until(look, "the worker to start", 20)
    return found[0]


def test_a_killed_worker_is_started_again(root: Path) -> None:
    with supervising(root, STEADY) as process:
        first = only_child(process)
        first.kill()
        wait_until(lambda: only_child(process).pid != first.pid, "another worker", 20)


def test_the_worker_ends_with_its_supervisor(root: Path) -> None:
    with supervising(root, STEADY) as process:
        child = only_child(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert not child.is_running()


def test_a_worker_that_ends_at_once_is_not_started_in_a_rush(root: Path, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    with supervising(root, BRIEF, str(starts)) as process:
        wait_until(lambda: starts.exists() and len(starts.read_text()) >= 2, "a second start", 20)
        process.terminate()
        process.wait(20)
    assert len(starts.read_text()) <= 3
