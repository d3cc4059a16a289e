"""Starts a tree's services over a copy of one model store, and records what they answer.

    python -m tests.wire.record --tree . --store STORE --out answers

STORE holds `models` and what stands beside it. The answers are written a file
a service and application (`asgi` under gunicorn, `wsgi` under Flask's own
server), and one for gRPC; `diff -r` compares the folders of two trees.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import free_port, wait_until
from tests.wire import grpc_calls
from tests.wire.calls import SERVICES, SHARED, Call
from tests.wire.replay import Client, replay

COMMANDS = {
    "asgi": ["-m", "gunicorn", "app:asgi"],
    "wsgi": ["-m", "flask", "--app", "app", "run", "--port"],
}


@contextmanager
def running(command: list[str], tree: Path, settings: dict[str, str]) -> Iterator[None]:
    """Run a program of the tree until the block ends."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=tree,
        env=kept | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def settings_of(service: str, store: Path, folder: Path) -> dict[str, str]:
    """Lay out a fresh folder with a copy of the store; return the service's settings."""
    shutil.copytree(store, folder / "store")
    one = folder / "models" / "one" / "model"
    one.mkdir(parents=True)
    shutil.copytree(store / "models" / "iris", one / "iris")
    keys = store / "keys"
    if keys.is_dir():
        shutil.copytree(keys, one / "keys")
    settings = {
        "MODEL_STORE": str(folder / "store" / "models"),
        "DATABASE_URL": f"sqlite:///{folder}/jobs.db",
        "API_KEYS_FILE": str(folder / "api_keys"),
        "KEY_FOLDER": str(folder / "store" / "keys") if keys.is_dir() else "",
        "POLL_SECONDS": "3600",
    }
    given = SERVICES.get(service, SHARED)
    return settings | {name: value.format(folder=folder) for name, value in given.items()}


def record(tree: Path, store: Path, service: str, application: str) -> Iterator[str]:
    """Yield the answers of one service under one application server."""
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        settings = settings_of(service, store, Path(name)) | {"PORT": str(port)}
        command = COMMANDS[application] + ([str(port)] if application == "wsgi" else [])
        base = f"http://127.0.0.1:{port}"
        with running(command, tree, settings):
            wait_until(lambda: _answers(base), "the service to answer")
            yield from replay(base, service)


def _answers(base: str) -> bool:
    try:
        return Client(base).send(Call("GET", "/livez")).status == 200
    except OSError:
        return False


def record_grpc(tree: Path, store: Path) -> Iterator[str]:
    """Yield the answers of the gRPC process."""
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        settings = settings_of("grpc", store, Path(name)) | {"GRPC_PORT": str(port)}
        with running(["grpc_process.py"], tree, settings):
            yield from grpc_calls.replay(f"127.0.0.1:{port}")


def main() -> int:
    """Record every service of a tree."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tree", type=Path, default=Path.cwd(), help="a checkout")
    parser.add_argument("--store", type=Path, required=True, help="a folder with `models`")
    parser.add_argument("--out", type=Path, required=True, help="a folder for the answers")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    tree, store = given.tree.resolve(), given.store.resolve()
    for service in SERVICES:
        for application in COMMANDS:
            found = record(tree, store, service, application)
            _write(given.out / f"{service}-{application}.jsonl", found)
    _write(given.out / "grpc.jsonl", record_grpc(tree, store))
    return 0


def _write(path: Path, found: Iterator[str]) -> None:
    answers = list(found)
    path.write_text("".join(f"{answer}\n" for answer in answers))
    print(f"{path.name}: {len(answers)} answers")


if __name__ == "__main__":
    sys.exit(main())
