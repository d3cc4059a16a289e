"""Processors: how many this process may use, which can be fewer than the machine has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from learning.cgroups import Cgroup, cgroups

# Below so many numbers a second thread costs more than it does.
SMALL = 500_000


def processors(root: Path = Path("/")) -> int:
    """Return the number of processors that this process may use, at least 1.

    Asked are the affinity and the quota of every cgroup above this process, of
    version 1 and 2. A part of a processor is left out: a thread more than the
    quota allows is put to sleep while the others wait for it.
    https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
    https://docs.kernel.org/scheduler/sched-bwc.html
    """
    return max(1, min([_may_run_on(), *_quotas(root)]))


def let_threads_rest() -> None:
    """Let threads of OpenMP that have nothing to do sleep, unless the environment says otherwise.

    By default they spin, and keep a processor from whoever else needs it. A library
    asks once, when it is loaded: this goes before. https://gcc.gnu.org/onlinedocs/libgomp/
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def _may_run_on() -> int:
    # macOS and Windows tell no affinity.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _quotas(root: Path) -> Iterator[int]:
    for cgroup in cgroups("cpu", root):
        with suppress(OSError, ValueError):  # no such file, or the quota is the word max
            quota, period = map(int, _quota_and_period(cgroup))
            if quota > 0 and period > 0:  # version 1 writes -1 where there is no quota
                yield quota // period


def _quota_and_period(cgroup: Cgroup) -> list[str]:
    if cgroup.version == 2:
        return (cgroup.folder / "cpu.max").read_text().split()
    return [(cgroup.folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")]


def threads_for(numbers: int, processors: int) -> int:
    """Return how many threads a fit to so many numbers is to use of those it may."""
    return 1 if numbers < SMALL else processors
