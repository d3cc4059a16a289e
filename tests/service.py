"""The whole service for tests: Mirante under a real gunicorn, as the Procfile starts it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from tests.servers import free_port, wait_until

# A dyno has 60 s to listen; a start that finds an empty store trains before it does.
START = 60.0
ROOT = Path(__file__).resolve().parent.parent
CREDIT_ROW: dict[str, Any] = {
    "seniority": 9,
    "home": "rent",
    "time": 60,
    "age": 30,
    "marital": "married",
    "records": "no",
    "job": "freelance",
    "expenses": 73,
    "income": 129,
    "assets": 0,
    "debt": 0,
    "amount": 800,
    "price": 846,
}


@dataclass
class Service:
    """A running service: its address, its master process, what it wrote."""

    port: int
    master: psutil.Process
    log: Path

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> list[psutil.Process]:
        """Return the web workers, the oldest first."""
        children = [child for child in self.master.children() if "gunicorn" in _name(child)]
        return sorted(children, key=lambda child: child.create_time())

    def worker_of(self, session: requests.Session) -> int:
        """Return the process that holds a session's one open connection."""
        adapter: Any = session.adapters["http://"]
        (pool,) = adapter.poolmanager.pools._container.values()
        port = pool.pool.queue[-1].sock.getsockname()[1]
        for worker in self.workers():
            if any(c.raddr and c.raddr.port == port for c in worker.net_connections("tcp")):
                return worker.pid
        raise LookupError("no worker holds the connection")


def environment(store: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a process that keeps everything beside a test's store."""
    home = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    home["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{home.get('PATH', '')}"
    kept = {
        "MODEL_STORE": str(store),
        "DATABASE_URL": f"sqlite:///{store.parent}/mirante.db",
        "API_KEYS_FILE": str(store.parent / "api_keys"),
        "TRAINING_WORKER": "external",
        "POLL_SECONDS": "0.5",
    }
    return home | kept | settings


def build(store: Path, *arguments: str, **settings: str) -> str:
    """Run build_model.py over a store and return what it printed."""
    command = [sys.executable, "build_model.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(store, **settings), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def serve(store: Path, **settings: str) -> Iterator[Service]:
    """Run the Procfile's web line over a store until the block ends."""
    with serve_tree(ROOT, environment(store, **settings)) as service:
        yield service


@contextmanager
def serve_tree(tree: Path, environ: dict[str, str]) -> Iterator[Service]:
    """Run the web line of a tree's Procfile in it, with that environment and a PORT."""
    port = free_port()
    web = (tree / "Procfile").read_text().partition("web:")[2].splitlines()[0]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                shlex.split(web),
                cwd=tree,
                env={**environ, "PORT": str(port)},
                stdout=out,
                stderr=out,
            )
        service = Service(port, psutil.Process(process.pid), log)
        try:
            wait_until(lambda: answers(service, process), f"the service to answer ({log})", START)
            yield service
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def answers(service: Service, process: subprocess.Popen[bytes]) -> bool:
    """Say whether the service answers; fail with its log when it has ended."""
    assert process.poll() is None, service.log.read_text()
    try:
        return requests.get(f"{service.url}/livez", timeout=5).ok
    except (requests.ConnectionError, requests.Timeout):
        return False


def _name(process: psutil.Process) -> str:
    """Return a process's name, none of one that has just ended."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""
