"""Ctrl-C at any stage of a training run, on a terminal: nothing is half registered."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from build_model import INTERRUPTED
from persistence.opening import open_registry
from persistence.registry import Registry
from policy import Stage
from tests.conftest import ROOT

PATIENCE = 120.0
# Each start costs seconds; the stages between end as these do.
STAGES_TRIED: list[Stage] = ["read", "fit", "register"]
# A stage that is over before the signal arrives is as good an end as one that was interrupted.
DONE = 0


def interrupted_at(stage: str, store: Path) -> int:
    """Train on a terminal, press Ctrl-C when the stage is shown, and return the exit status."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))  # bars are as wide as the terminal
    command = [sys.executable, "build_model.py", "--recipe", "iris"]
    environment = {**os.environ, "MODEL_STORE": str(store)}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=theirs
    )
    os.close(theirs)
    try:
        _wait_for(stage.encode(), ours)
        process.send_signal(signal.SIGINT)
        _drain(ours)
        return process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _wait_for(word: bytes, terminal: int) -> None:
    shown, end = b"", time.monotonic() + PATIENCE
    while word not in shown:
        assert time.monotonic() < end, shown
        shown += os.read(terminal, 4096)


def _drain(terminal: int) -> None:
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:  # the other side is closed
        return


def registered(store: Path) -> tuple[Registry, list[str]]:
    registry = open_registry(str(store))
    return registry, [v.version for v in registry.versions("iris")] if registry.names() else []


@pytest.mark.parametrize("stage", STAGES_TRIED)
def test_nothing_is_half_registered(stage: str, tmp_path: Path) -> None:
    store = tmp_path / "models"
    status = interrupted_at(stage, store)
    assert status in (INTERRUPTED, DONE)
    left = [path.name for path in store.rglob("*") if path.name.startswith(".writing")]
    assert left == []
    registry, versions = registered(store)
    if status == INTERRUPTED:
        assert versions == []
    else:
        champion = registry.champion("iris")
        assert champion is not None
        assert [champion.version] == versions
