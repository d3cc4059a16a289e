"""Reading a recipe costs the web process nothing: every recipe, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recipes import recipe_names
from tests.conftest import require

# What an order's check may add to a web process.
MOST_BYTES = 1_000_000

CHECK = """
import gc, os, sys
import app, worker, jobs.job
from learning.estimators import ready_made

def used():
    gc.collect()
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

before, known = used(), set(sys.modules)
worker.check_order({order})
print(used() - before)
learning = {{"sklearn", "scipy", "pandas", "catboost", "onnx", "onnxruntime", "snowballstemmer"}}
print(sorted(learning & {{name.partition(".")[0] for name in set(sys.modules)}}))
"""


def check(order: dict[str, str], root: Path) -> tuple[int, str]:
    """How many bytes an order's check takes, and which libraries that learn it imports."""
    command = [sys.executable, "-c", CHECK.format(order=order)]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    grown, imported = done.stdout.splitlines()
    return int(grown), imported


@pytest.mark.parametrize("name", recipe_names())
def test_checking_an_order_imports_nothing_that_learns_and_takes_no_memory(name: str, root: Path):
    require(Path("/proc/self/statm").exists(), "/proc", "Linux is needed")
    grown, imported = check({"name": "some", "recipe": name}, root)
    assert imported == "[]"
    assert grown < MOST_BYTES


@pytest.mark.parametrize("estimator", ["forest", "boosting", "logistic", "auto"])
def test_nor_does_an_order_for_a_table(estimator: str, root: Path):
    grown, imported = check({"name": "some", "target": "y", "estimator": estimator}, root)
    assert imported == "[]"
    assert grown < MOST_BYTES
