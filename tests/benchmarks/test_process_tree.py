from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.process_tree import (
    cpu_seconds,
    forget_peak,
    peak_bytes,
    proportional_bytes,
    resident_bytes,
    tree,
)

CHILD = """
import subprocess, sys
if sys.argv[1] == "parent":
    subprocess.run([sys.executable, "-c", sys.argv[2], "child", sys.argv[2]])
    print("reaped", flush=True)
    input()
else:
    import time
    spike = bytearray(200_000_000)
    del spike
    held = bytearray(50_000_000)
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    print("burnt", flush=True)
    input()
    del held
    spike = bytearray(80_000_000)
    del spike
    print("peaked", flush=True)
    input()
"""


@contextmanager
def family() -> Iterator[subprocess.Popen[str]]:
    """A process whose child burns CPU and takes memory, a step for each line it is given."""
    command = [sys.executable, "-c", CHILD, "parent", CHILD]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        yield process
        process.stdin.close()  # type: ignore[union-attr]


def step(process: subprocess.Popen[str]) -> str:
    process.stdin.write("\n")  # type: ignore[union-attr]
    process.stdin.flush()  # type: ignore[union-attr]
    return process.stdout.readline()  # type: ignore[union-attr]


def test_a_child_is_part_of_the_tree_alive_and_ended() -> None:
    with family() as process:
        assert process.stdout.readline() == "burnt\n"  # type: ignore[union-attr]
        members = tree(process.pid)
        assert len(members) == 2
        assert 0.25 < cpu_seconds(process.pid) < 3
        alone = proportional_bytes(members[1])
        assert 50e6 < alone < proportional_bytes(process.pid) < 200e6

        forget_peak(members[1])
        before = resident_bytes(members[1])
        assert step(process) == "peaked\n"
        assert 20e6 < peak_bytes(members[1]) - before < 60e6
        assert resident_bytes(members[1]) < before - 30e6

        assert step(process) == "reaped\n"
        assert tree(process.pid) == [process.pid]
        assert cpu_seconds(process.pid) > 0.25


def test_a_process_that_is_gone_costs_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    assert cpu_seconds(process.pid) == 0
    assert proportional_bytes(process.pid) == 0
