"""Memory: what is left, as the kernel's own files say it for every kind of cgroup."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.memory import DYNO, LEAST, MEBIBYTE, memory_left

ABSURD = 2**63 - 4096  # cgroup v1 without a limit


def machine(root: Path, total: int = 16_000, available: int = 12_000, cgroup: str = "") -> Path:
    """Make a root of files for a machine with so many MiB."""
    (root / "proc/self").mkdir(parents=True)
    lines = f"MemTotal: {total * 1024} kB\nMemAvailable: {available * 1024} kB\n"
    (root / "proc/meminfo").write_text(lines)
    (root / "proc/self/cgroup").write_text(cgroup)
    return root


def cgroup_v2(root: Path, path: str, limit: str, used: int, inactive: int = 0) -> None:
    folder = root / "sys/fs/cgroup" / path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {inactive}\n")


def cgroup_v1(root: Path, path: str, limit: int, used: int, inactive: int = 0) -> None:
    folder = root / "sys/fs/cgroup/memory" / path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.limit_in_bytes").write_text(f"{limit}\n")
    (folder / "memory.usage_in_bytes").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"cache 1\ntotal_inactive_file {inactive}\n")


def test_a_desk_has_what_is_available(tmp_path: Path) -> None:
    assert memory_left(root=machine(tmp_path)) == 12_000 * MEBIBYTE


def test_a_container_has_what_its_cgroup_leaves(tmp_path: Path) -> None:
    root = machine(tmp_path, cgroup="0::/\n")
    cgroup_v2(root, "", str(512 * MEBIBYTE), used=300 * MEBIBYTE, inactive=100 * MEBIBYTE)
    assert memory_left(root=root) == (512 - 200) * MEBIBYTE


def test_a_limit_above_counts_too(tmp_path: Path) -> None:
    root = machine(tmp_path, cgroup="0::/pod/container\n")
    cgroup_v2(root, "pod", str(400 * MEBIBYTE), used=100 * MEBIBYTE)
    cgroup_v2(root, "pod/container", "max", used=50 * MEBIBYTE)
    assert memory_left(root=root) == 300 * MEBIBYTE


@pytest.mark.parametrize("path", ["", "docker/of-the-host"])
def test_the_first_version_says_it_too(tmp_path: Path, path: str) -> None:
    root = machine(tmp_path, cgroup="5:cpu:/x\n4:memory:/docker/of-the-host\n0::/\n")
    cgroup_v1(root, path, 512 * MEBIBYTE, used=300 * MEBIBYTE, inactive=100 * MEBIBYTE)
    assert memory_left(root=root) == (512 - 200) * MEBIBYTE


def test_an_absurd_limit_is_none(tmp_path: Path) -> None:
    root = machine(tmp_path, cgroup="4:memory:/\n")
    cgroup_v1(root, "", ABSURD, used=4_000 * MEBIBYTE)
    assert memory_left(root=root) == 12_000 * MEBIBYTE


def test_a_dyno_that_says_nothing_is_the_smallest(tmp_path: Path) -> None:
    root = machine(tmp_path, total=64_000, available=40_000, cgroup="4:memory:/\n")
    cgroup_v1(root, "", ABSURD, used=30_000 * MEBIBYTE)
    for number, held in (("12", 60), ("13", 140)):
        (root / "proc" / number).mkdir()
        rollup = f"55d0-7ffc ---p 00000000 00:00 0 [rollup]\nRss: 999 kB\nPss: {held * 1024} kB\n"
        (root / "proc" / number / "smaps_rollup").write_text(rollup)
    assert DYNO == 512 * MEBIBYTE
    assert memory_left(on_dyno=True, root=root) == (512 - 200) * MEBIBYTE
    cgroup_v1(root, "", 1024 * MEBIBYTE, used=200 * MEBIBYTE)
    assert memory_left(on_dyno=True, root=root) == 824 * MEBIBYTE


def test_when_nothing_is_left_there_is_enough_to_say_so(tmp_path: Path) -> None:
    root = machine(tmp_path, cgroup="0::/\n")
    cgroup_v2(root, "", str(100 * MEBIBYTE), used=100 * MEBIBYTE)
    assert memory_left(root=root) == LEAST == 64 * MEBIBYTE


def test_this_machine_has_something_left() -> None:
    assert memory_left() > LEAST
