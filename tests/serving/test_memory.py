"""What a large request took goes back to the system, also from a thread's own arena."""

from __future__ import annotations

import gc
import subprocess
import sys

from serving import memory
from serving.memory import CollectionPause

PROGRAM = """
from pathlib import Path
from threading import Thread
from serving.memory import give_back

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20

kept = []

def work():
    held = [bytes(3000) for _ in range(60_000)]
    kept.append(held[-1])  # the last of them: the heap cannot shrink from its end

before = resident()
thread = Thread(target=work)
thread.start()
thread.join()
give_back()
print(resident() - before)
"""


def test_the_resident_memory_comes_back_to_where_it_was():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 30


def test_cycles_are_not_searched_for_while_a_long_body_is_worked_on():
    pause = CollectionPause()
    with pause:
        with pause:
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_the_pause_ends_though_one_body_follows_the_other(monkeypatch):
    monkeypatch.setattr(memory, "MOST_PAUSE_SECONDS", -1.0)
    pause = CollectionPause()
    with pause:
        with pause:
            assert not gc.isenabled()
        assert gc.isenabled()
    assert gc.isenabled()


def test_the_bound_of_a_pause():
    assert memory.MOST_PAUSE_SECONDS == 5
