"""What a large request took goes back to the system, also from a thread's own arena."""

from __future__ import annotations

import subprocess
import sys

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
