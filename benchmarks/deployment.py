"""Prepares the systems of the catalog, each in a folder of its own, and runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bodies import Row
from benchmarks.catalog import JOBS, MODELS, System
from benchmarks.environments import OWN, ROOT, SYSTEMS, WORK, Unavailable, last_line, programs
from benchmarks.server import SERVER_CORES, Asking, Request, Server, ask, running

JSON = {"Content-Type": "application/json"}
PREPARE_SECONDS = 600


def prepare(system: System) -> None:
    """Make a system's environment, folder and model, unless they are there; raises Unavailable."""
    folder, found = WORK / system.name, programs(system.environment)
    if (folder / "prepared").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for settings in SYSTEMS.glob(f"{system.name}-*.json"):
        shutil.copy(settings, folder / settings.name.removeprefix(f"{system.name}-"))
    if not MODELS.exists():
        build_own(MODELS)
    if system.prepare:
        environ = {**os.environ, **_environ(system, 0), "PYTHONPATH": str(ROOT)}
        _run([found / system.prepare[0], *system.prepare[1:]], system, folder, environ)
    (folder / "prepared").touch()


def build_own(store: Path, *arguments: str) -> None:
    """Train this service's credit model into a store; raises Unavailable."""
    command = [OWN / "python", "build_model.py", *arguments]
    _check(command, ROOT, {**os.environ, "MODEL_STORE": str(store)})


def _run(
    command: Sequence[str | Path], system: System, folder: Path, environ: Mapping[str, str]
) -> None:
    _check([str(word).format(folder=folder) for word in command], folder, environ)


def _check(command: Sequence[str | Path], folder: Path, environ: Mapping[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=PREPARE_SECONDS,
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"its model cannot be made: {last_line(done.stderr)}")


def _environ(system: System, port: int) -> dict[str, str]:
    filled = {"port": port, "port1": port + 1, "port2": port + 2, "folder": WORK / system.name}
    given = {name: value.format(**filled) for name, value in system.environ.items()}
    search = f"{programs(system.environment)}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": search, "PYTHONPATH": str(SYSTEMS), "PORT": str(port), **given}


def request_of(system: System, rows: list[Row]) -> Request:
    """Return the request that asks a system about rows."""
    return Request(system.path, system.body(rows), JSON)


@contextmanager
def serving(
    system: System,
    rows: list[Row],
    *,
    port: int,
    cores: str = SERVER_CORES,
    environ: Mapping[str, str] | None = None,
    asking: Asking = ask,
) -> Iterator[Server]:
    """Run a prepared system until the block ends; raises Unavailable when it does not answer."""
    folder = WORK / system.name
    forget_jobs()
    command = [word.format(port=port, folder=folder) for word in system.serve]
    with running(
        [programs(system.environment) / command[0], *command[1:]],
        request_of(system, rows[:1]),
        port=port,
        folder=folder,
        environ={**_environ(system, port), **(environ or {})},
        cores=cores,
        asking=asking,
    ) as server:
        yield server


def forget_jobs() -> None:
    """Remove the jobs of a former run, which would start a training worker with the server."""
    for file in JOBS.parent.glob(f"{JOBS.name}*"):
        file.unlink()


def approved(system: System, answer: bytes) -> float:
    """Return P(approved) of a system's answer to one row."""
    return system.approved(json.loads(answer))
