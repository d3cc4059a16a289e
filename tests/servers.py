"""Real servers for tests: a PostgreSQL of the machine's binaries, and moto's S3.

Plain context managers, so that a test of any room can start one, stop it in
mid-flight, and start it again.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

INSTALL_POSTGRES = "apt-get install postgresql"
INSTALL_S3 = "pip install -r requirements-s3.txt -r requirements-dev.txt"
PATIENCE = 30.0


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait until something is true; fail saying what was waited for."""
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience:.0f} s for {what}")
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Say whether something accepts connections on a port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def find_postgres() -> Path | None:
    """Return the folder of PostgreSQL's server programs, on the PATH or where Debian puts them."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(found, key=lambda p: float(p.parts[-3]), default=None)
    return None if newest is None else newest.parent


@dataclass
class Server:
    """A server process on a port of the loopback."""

    port: int
    command: list[str]
    options: dict[str, Any] = field(default_factory=dict)
    halt: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None

    def ready(self) -> bool:
        """Say whether it answers."""
        return listens(self.port)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.options
        )
        try:
            wait_until(self.ready, f"{self.command[0]} to answer")
        except TimeoutError:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it, and wait until it is gone."""
        if self.process is None:
            return
        self.process.send_signal(self.halt)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


@dataclass
class PostgresServer(Server):
    """A PostgreSQL server; `url` has its superuser's name and password in it."""

    url: str = ""
    password: str = ""

    def ready(self) -> bool:
        """Say whether it answers: it listens a while before it does."""
        ask = Path(self.command[0]).with_name("pg_isready")
        asked = [str(ask), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1"]
        return subprocess.run(asked, check=False).returncode == 0


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Stop a server and all that it has begun in mid-flight; let it go on afterwards."""
    assert server.process is not None
    group = [server.process.pid]
    group += [child.pid for child in psutil.Process(group[0]).children(recursive=True)]
    for pid in group:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in group:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a PostgreSQL of its own in a temporary folder; needs `find_postgres()`."""
    programs = find_postgres()
    assert programs is not None
    with tempfile.TemporaryDirectory(prefix="mirante-postgres-") as folder:
        owner = _give_away(Path(folder))
        server = _initialised(programs, Path(folder), owner)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _give_away(folder: Path) -> dict[str, Any]:
    """Return how to run as the folder's owner; PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    owner = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _initialised(programs: Path, folder: Path, owner: dict[str, Any]) -> PostgresServer:
    password = secrets.token_hex(8)
    given = folder / "password"
    given.write_text(password)
    given.chmod(0o644)
    options = {**owner, "cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}}
    data = folder / "data"
    subprocess.run(
        [
            *(programs / "initdb", "-D", data, "-U", "mirante", "-A", "scram-sha-256"),
            *(f"--pwfile={given}", "-E", "UTF8", "--no-sync"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        **options,
    )
    port = free_port()
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off"}
    return PostgresServer(
        port=port,
        command=[str(programs / "postgres"), "-D", str(data), "-p", str(port)]
        + [word for name, value in settings.items() for word in ("-c", f"{name}={value}")],
        options=options,
        halt=signal.SIGINT,  # what pg_ctl calls a fast shutdown: clients are cut off
        url=f"postgres://mirante:{password}@127.0.0.1:{port}/postgres",
        password=password,
    )


@dataclass
class S3Server(Server):
    """moto's S3, which forgets everything when it stops; `client_options` are open_store's."""

    bucket: str = "models"
    client_options: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address of a store in its bucket."""
        return f"s3://{self.bucket}/mirante"


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Run moto's S3 with an empty bucket."""
    port = free_port()
    options = {
        "endpoint": f"http://127.0.0.1:{port}",
        "region": "us-east-1",
        "access_key_id": "testing",
        "secret_access_key": "testing-secret",
    }
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = S3Server(port, command, client_options=options)
    server.start()
    try:
        _make_bucket(server)
        yield server
    finally:
        server.stop()


def _make_bucket(server: S3Server) -> None:
    import urllib.request

    request = urllib.request.Request(
        f"{server.client_options['endpoint']}/{server.bucket}", method="PUT"
    )
    urllib.request.urlopen(request, timeout=PATIENCE).close()
