"""A Docker engine of the tests' own, which builds and runs what an engine anywhere would.

The machine needs no network but that of apt and pip: the base image is a clean
Debian instead of one that is pulled, and pip in it is given the wheels that pip
on this machine finds for the same requirements.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

from tests.servers import wait_until

INSTALL_ENGINE = "as root: apt-get install docker.io docker-compose mmdebstrap"
# Debian's own client has the builder of its engine in it.
CLIENT = "/usr/bin/docker"
# The Debian whose python3 is of that version. The image on the hub has the newest Debian, and its
# Python in /usr/local; here that is a link to Debian's own, which is as good for what is tested.
SUITES = {"3.11": "bookworm", "3.13": "trixie"}
PATIENCE = 600
# Bytes: the images of all targets take a third of that.
MEMORY = 12 * 1024**3


def can_run_engine() -> bool:
    """Say whether this machine has what an engine and its base image need."""
    programs = ("dockerd", "docker-compose", "mmdebstrap", CLIENT)
    return os.geteuid() == 0 and all(map(shutil.which, programs))


@dataclass
class Engine:
    """A running engine; the folder is its own and goes with it."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs to find this engine and no other."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "DOCKER_HOST": f"unix://{self.folder}/socket",
            "DOCKER_BUILDKIT": "1",
        }

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one command of the client, whatever becomes of it."""
        return subprocess.run(
            [CLIENT, *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def output(self, *words: str | Path) -> str:
        """Return what a command prints; it must do well."""
        done = self.run(*words)
        assert done.returncode == 0, f"{words}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout.strip()

    def answers(self) -> bool:
        """Say whether the engine takes commands."""
        return self.run("version").returncode == 0


@contextmanager
def docker_engine() -> Iterator[Engine]:
    """Run an engine that shares nothing with another on this machine, nor its firewall."""
    with scratch() as folder:
        engine = Engine(folder)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(_command(folder), stdout=log, stderr=log)
        try:
            wait_until(engine.answers, f"the engine ({folder}/log)")
            yield engine
        finally:
            for container in engine.run("ps", "--all", "--quiet").stdout.split():
                engine.run("rm", "--force", "--volumes", container)
            engine.run("network", "prune", "--force")  # their bridges are the machine's
            process.terminate()
            process.wait(60)
            namespace = folder / "exec/netns/default"
            subprocess.run(["umount", namespace], check=False, capture_output=True)


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder, in memory where there is plenty: a disk may take minutes to forget it all."""
    folder = Path(tempfile.mkdtemp(prefix="mirante-docker-"))
    plenty = psutil.virtual_memory().available > MEMORY
    if plenty:
        _must(["mount", "-t", "tmpfs", "-o", "mode=711", "tmpfs", folder])
    try:
        yield folder
    finally:
        if plenty:
            _must(["umount", "--lazy", folder])
        shutil.rmtree(folder)


def _command(folder: Path) -> list[str]:
    return [
        *("dockerd", "--host", f"unix://{folder}/socket", "--pidfile", f"{folder}/pid"),
        *("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"),
        *("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"),
    ]


@contextmanager
def base_image(engine: Engine, version: str, requirements: Sequence[Path]) -> Iterator[None]:
    """Give the engine `python:<version>-slim`, whose pip is served these requirements."""
    wheels = engine.folder / "wheels"
    with serve_folder(wheels) as address, ThreadPoolExecutor() as pool:
        root = pool.submit(_make_root, engine.folder / "root.tar", SUITES[version], address)
        _download(wheels, version, requirements)
        path = "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
        name = f"python:{version}-slim"
        engine.output("import", "--change", f"ENV {path}", root.result(), name)
        root.result().unlink()
        yield


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """Serve a folder's files to this machine over HTTP."""
    folder.mkdir()
    handler = partial(_Quiet, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(server.serve_forever)
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _make_root(root: Path, suite: str, wheels: str) -> Path:
    configuration = f"[global]\nno-index = true\nfind-links = {wheels}\n"
    hooks = [
        'ln -s /usr/bin/python3 "$1/usr/local/bin/python"',
        'ln -s /usr/bin/python3 "$1/usr/local/bin/python3"',
        f"printf '{configuration}' > \"$1/etc/pip.conf\"",
    ]
    unwanted = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")]
    _must(
        [
            *("mmdebstrap", "--variant=minbase", "--include=python3-venv"),
            *unwanted,
            "--dpkgopt=force-unsafe-io",
            *(f"--customize-hook={hook}" for hook in hooks),
            *(suite, root),
        ],
        {**os.environ, "TMPDIR": str(root.parent)},
    )
    return root


def _download(wheels: Path, version: str, requirements: Sequence[Path]) -> None:
    # They are pinned to the last one: there is nothing to resolve.
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"--dest={wheels}"]
    given = [word for file in requirements for word in ("--requirement", file)]
    _must([*words, "--only-binary=:all:", f"--python-version={version}", *given])


def _must(words: Sequence[str | Path], environ: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        words, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
