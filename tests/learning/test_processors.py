"""Processors: what affinity and quotas leave, as the kernel's own files say it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from learning.processors import let_threads_rest, processors
from tests.conftest import ROOT


@pytest.fixture
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(8)), raising=False)


def machine(root: Path, cgroup: str, files: dict[str, str]) -> Path:
    """Lay out the kernel's files of a process in these cgroups."""
    for path, content in {"proc/self/cgroup": cgroup, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    return root


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize(
    ("quota", "expected"), [("200000", 2), ("350000", 3), ("50000", 1), ("max", 8), ("5000000", 8)]
)
def test_a_quota_of_version_two(tmp_path: Path, quota: str, expected: int) -> None:
    files = {"sys/fs/cgroup/pod/cpu.max": f"{quota} 100000\n"}
    assert processors(machine(tmp_path, "0::/pod\n", files)) == expected


@pytest.mark.usefixtures("eight")
def test_the_least_quota_above_counts(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/cpu.max": "300000 100000\n",
        "sys/fs/cgroup/pod/cpu.max": "500000 100000\n",
        "sys/fs/cgroup/pod/one/cpu.max": "max 100000\n",
    }
    assert processors(machine(tmp_path, "0::/pod/one\n", files)) == 3


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize(("quota", "expected"), [("250000", 5), ("-1", 8)])
def test_a_quota_of_version_one(tmp_path: Path, quota: str, expected: int) -> None:
    """In a container the path is the host's, and its files stand at the top."""
    files = {
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": f"{quota}\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "50000\n",
    }
    lines = "5:memory:/x\n4:cpu,cpuacct:/docker/of-the-host\n0::/\n"
    assert processors(machine(tmp_path, lines, files)) == expected


@pytest.mark.usefixtures("eight")
def test_a_machine_without_cgroups_has_its_affinity(tmp_path: Path) -> None:
    assert processors(tmp_path) == 8


@pytest.mark.usefixtures("eight")
def test_files_that_are_no_numbers_limit_nothing(tmp_path: Path) -> None:
    files = {"sys/fs/cgroup/cpu.max": "100000\n"}
    assert processors(machine(tmp_path, "0::/\n", files)) == 8


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux alone binds processes")
def test_a_process_bound_to_one_processor_has_one() -> None:
    """The real affinity, in a process of its own."""
    code = (
        "import os; from learning.processors import processors;"
        "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); print(processors())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


@pytest.mark.parametrize(("given", "expected"), [(None, "passive"), ("active", "active")])
def test_threads_rest_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, given: str | None, expected: str
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if given:
        monkeypatch.setenv("OMP_WAIT_POLICY", given)
    let_threads_rest()
    assert os.environ["OMP_WAIT_POLICY"] == expected


@pytest.mark.parametrize("script", ["build_model.py", "worker.py"])
def test_nothing_with_threads_is_loaded_before(script: str) -> None:
    """OpenMP asks when it is loaded; what a training process sees is asked of itself."""
    code = (
        "import runpy, sys, learning.processors as processors\n"
        "def asked():\n"
        "    print(sorted({'sklearn', 'lightgbm'} & sys.modules.keys())); sys.exit()\n"
        "processors.let_threads_rest = asked\n"
        f"sys.argv = [{script!r}, '--job', '0', '-1', '1']\n"
        f"runpy.run_path({script!r}, run_name='__main__')\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout == "[]\n", done.stderr
