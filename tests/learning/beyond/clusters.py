"""Real clusters for tests: a scheduler and worker processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT
from tests.servers import free_port, listens, wait_until

INSTALL_DASK = "pip install -r requirements-dask.txt"
# Small machines are slow to start them all.
PATIENCE = 90.0


class Processes:
    """A scheduler at `address`, and workers that can be killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = self._start("scheduler", "--port", str(self.port))
        self.workers: list[subprocess.Popen[bytes]] = []
        wait_until(lambda: listens(self.port), "the scheduler to answer", PATIENCE)

    def add_worker(
        self, memory: str = "1GB", root: Path = ROOT, settings: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a worker of the code in a folder."""
        options = ("--nthreads", "1", "--no-nanny", "--memory-limit", memory)
        where = ("--local-directory", str(self._folder))
        worker = self._start("worker", self.address, *options, *where, root=root, settings=settings)
        self.workers.append(worker)
        return worker

    def _start(
        self, *words: str, root: Path = ROOT, settings: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "dask", words[0], "--host", "127.0.0.1", *words[1:]]
        return subprocess.Popen(
            [*command, "--no-dashboard"],
            env={**environment, **(settings or {})},
            cwd=root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a process as a machine that fails does."""
        process.send_signal(signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        """End all of them."""
        for process in (*self.workers, self.scheduler):
            if process.poll() is None:
                self.kill(process)


@contextmanager
def processes(folder: Path, workers: int = 2) -> Iterator[Processes]:
    """Run a scheduler and so many workers."""
    found = Processes(folder)
    try:
        for _ in range(workers):
            found.add_worker()
        yield found
    finally:
        found.end()
