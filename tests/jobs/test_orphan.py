from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil

from tests.servers import wait_until

CHILD = """
import os, sys, time
from jobs.orphan import die_with
die_with(int(sys.argv[1]))
print(os.getpid(), flush=True)
time.sleep(60)
"""
PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())])
child.wait()
"""


def test_a_killed_parent_takes_its_child_along(root: Path) -> None:
    command = [sys.executable, "-c", PARENT, CHILD]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
        wait_until(lambda: ended(child), "the child to end", 10)


def test_a_parent_that_is_gone_already_counts(root: Path) -> None:
    command = [sys.executable, "-c", CHILD, "1"]  # never this test's child
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) as child:
        assert child.wait(20) < 0


def ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
