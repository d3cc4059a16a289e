"""Nothing runs before there is a database, and what waits for it ends with its parent."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.servers import wait_until
from tests.service import ROOT

# A parent that starts an embedded worker as gunicorn's master does, and says its process.
PARENT = """
import sys, time
from worker import start_embedded
print(start_embedded(sys.argv[1]).pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def parent(tmp_path: Path):
    command = [sys.executable, "-c", PARENT, f"sqlite:///{tmp_path}/jobs.db"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def words(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def test_it_waits_for_the_database_and_becomes_the_supervisor(parent, tmp_path):
    waiter = psutil.Process(int(parent.stdout.readline()))
    time.sleep(1)
    assert "wait_for_database.py" in words(waiter)
    assert waiter.children() == []
    (tmp_path / "jobs.db").touch()
    wait_until(lambda: "--embedded" in words(waiter) and "wait_for" not in words(waiter), "it")
    wait_until(lambda: len(waiter.children()) == 1, "the worker")


def test_it_ends_with_its_parent(parent):
    waiter = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    psutil.wait_procs([waiter], timeout=5)
    assert not waiter.is_running()
