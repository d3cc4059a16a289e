"""Memory: how much the machine, or the cgroup that holds this process, has left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from learning.cgroups import cgroups

MEBIBYTE = 1024 * 1024

# What a dyno has that does not say how much it has: the smallest one's.
# https://devcenter.heroku.com/articles/dyno-types
DYNO = 512 * MEBIBYTE
# Python alone needs this much to say that a training needs more.
LEAST = 64 * MEBIBYTE

# Each version's files: the limit, what is used, and what of that the kernel can take back at once.
# https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
# https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
V2 = ("memory.max", "memory.current", "inactive_file")
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def memory_left(on_dyno: bool = False, root: Path = Path("/")) -> int:
    """Return the bytes of memory that may still be used: the least that anything allows.

    Asked are the machine (`MemAvailable`) and every cgroup above this process,
    of version 1 and 2. A limit above the machine's memory is none; cgroup v1
    writes 2**63 there. A dyno whose cgroup has no limit shows its host's memory,
    which is not the dyno's: then the smallest dyno's is taken, less what this
    dyno's processes hold.
    """
    total, available = (
        _statistic(root / "proc/meminfo", name, 1024) for name in ("MemTotal:", "MemAvailable:")
    )
    left = [at_most - used for at_most, used in _cgroups(root) if at_most <= total]
    if not left and on_dyno:
        left = [DYNO - _held(root)]
    return max(LEAST, min([*left, available]))


def _cgroups(root: Path) -> Iterator[tuple[int, int]]:
    """Yield the limit and the use of every cgroup above this process, in bytes."""
    for folder, version in cgroups("memory", root):
        names = V2 if version == 2 else V1
        with suppress(OSError, ValueError):  # no such file, or the limit is the word max
            limit, used = (int((folder / name).read_text()) for name in names[:2])
            yield limit, used - _statistic(folder / "memory.stat", names[2])


def _statistic(file: Path, name: str, unit: int = 1) -> int:
    """Return the number that follows a name in a file of lines; 0 where there is none."""
    with suppress(OSError):  # also of a process that has ended, or is another's
        for words in map(str.split, file.read_text().splitlines()):
            if words[:1] == [name]:
                return int(words[1]) * unit
    return 0


def _held(root: Path) -> int:
    """Return what the processes hold that can be seen, in bytes; what they share counts once."""
    return sum(
        _statistic(file, "Pss:", 1024) for file in (root / "proc").glob("[0-9]*/smaps_rollup")
    )
