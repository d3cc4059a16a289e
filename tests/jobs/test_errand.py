"""Errands: one process at a time, every so often, ended with its worker."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import psutil
import pytest

from jobs.errand import Errand
from tests.servers import wait_until

APPENDS = "import sys; open(sys.argv[1], 'a').write('x')"
STAYS = "import sys, time; open(sys.argv[1], 'a').write('x'); time.sleep(600)"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def errand(code: str, file: Path, clock: Clock) -> Errand:
    return Errand([sys.executable, "-c", code, str(file)], 3600, clock)


def ran(file: Path) -> int:
    return len(file.read_text()) if file.exists() else 0


def test_it_is_run_at_once_and_then_every_so_often(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "ran"
    found = errand(APPENDS, file, clock)
    found.attend()
    wait_until(lambda: ran(file) == 1, "the first run")
    for clock.now in (1.0, 3599.0):
        found.attend()
    assert ran(file) == 1
    clock.now = 3600.0
    found.attend()
    wait_until(lambda: ran(file) == 2, "the second run")
    found.leave()


def test_one_that_hangs_is_ended_before_the_next(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "ran"
    others = set(psutil.Process().children())  # of tests before, in the same process

    def running() -> int:
        return len(set(psutil.Process().children()) - others)

    found = errand(STAYS, file, clock)
    found.attend()
    wait_until(lambda: ran(file) == 1, "the first run")
    clock.now = 1.0
    found.attend()
    assert running() == 1
    clock.now = 3600.0
    found.attend()
    wait_until(lambda: ran(file) == 2, "the second run")
    assert running() == 1
    found.leave()
    assert running() == 0


def test_one_that_fails_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = errand("raise SystemExit(3)", tmp_path / "ran", Clock())
    found.attend()

    def said() -> bool:
        found.attend()
        return "ended with status 3" in caplog.text

    with caplog.at_level(logging.WARNING):
        wait_until(said, "the warning")
    found.leave()
