"""The cgroups that hold this process, where the kernel keeps what it may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Cgroup(NamedTuple):
    """A folder of the kernel's files, and the version (1 or 2) that names them."""

    folder: Path
    version: int


def cgroups(controller: str, root: Path = Path("/")) -> Iterator[Cgroup]:
    """Yield every cgroup of a controller above this process, the nearest first."""
    lines: list[str] = []
    with suppress(OSError):
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number != "0" and controller not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / ("" if number == "0" else controller)
        # In a container the path may be the host's, and only the top is there.
        inner = top / path.lstrip("/")
        for folder in [inner, *inner.parents]:
            if folder.is_relative_to(top):
                yield Cgroup(folder, 2 if number == "0" else 1)
