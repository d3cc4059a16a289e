"""What a process and its descendants cost, as Linux counts it.

CPU from /proc/PID/stat, memory from /proc/PID/smaps_rollup and /proc/PID/status:
https://docs.kernel.org/filesystems/proc.html
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
GONE = (FileNotFoundError, ProcessLookupError)


def tree(pid: int) -> list[int]:
    """Return the process and its descendants that live now."""
    return list(_walk(pid))


def _walk(pid: int) -> Iterator[int]:
    yield pid
    with suppress(*GONE):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _walk(int(child))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that the tree has used, its ended and awaited children included."""
    return sum(_cpu_ticks(member) for member in tree(pid)) / TICKS


def _cpu_ticks(pid: int) -> int:
    with suppress(*GONE):
        # The name, in parentheses, may hold spaces; utime, stime, cutime, cstime are 14 to 17.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15])
    return 0


def proportional_bytes(pid: int) -> int:
    """Return the tree's memory, pages that processes share counted once (PSS)."""
    return sum(_field(member, "smaps_rollup", "Pss:") for member in tree(pid))


def resident_bytes(pid: int) -> int:
    """Return the resident memory of one process."""
    return _field(pid, "status", "VmRSS:")


def peak_bytes(pid: int) -> int:
    """Return the most resident memory that one process had since `forget_peak`."""
    return _field(pid, "status", "VmHWM:")


def forget_peak(pid: int) -> None:
    """Let the peak of one process begin again from what it has now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _field(pid: int, file: str, name: str) -> int:
    with suppress(*GONE):
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0
