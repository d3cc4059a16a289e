"""Cgroups: the folders above this process, by the kernel's own list of them."""

from __future__ import annotations

from pathlib import Path

from learning.cgroups import Cgroup, cgroups

LISTED = "5:cpu:/x\n4:memory:/pod/one\n0::/slice\n"


def machine(root: Path, listed: str) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(listed)
    return root


def test_every_folder_up_to_the_top_the_nearest_first(tmp_path: Path) -> None:
    top = machine(tmp_path, LISTED) / "sys/fs/cgroup"
    assert list(cgroups("memory", tmp_path)) == [
        Cgroup(top / "memory/pod/one", 1),
        Cgroup(top / "memory/pod", 1),
        Cgroup(top / "memory", 1),
        Cgroup(top / "slice", 2),
        Cgroup(top, 2),
    ]


def test_each_controller_has_its_own(tmp_path: Path) -> None:
    machine(tmp_path, LISTED)
    names = [cgroup.folder.name for cgroup in cgroups("cpu", tmp_path)]
    assert names == ["x", "cpu", "slice", "cgroup"]


def test_a_machine_without_cgroups_has_none(tmp_path: Path) -> None:
    assert list(cgroups("memory", tmp_path)) == []
