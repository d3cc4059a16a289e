"""Every way to start the service: what is typed, from where, and what is left when it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.conftest import require
from tests.servers import free_port, wait_until
from tests.service import CREDIT_ROW, ROOT, build, environment

GUNICORN = (sys.executable, "-m", "gunicorn")
PYTHON = (sys.executable, str(ROOT / "app.py"))
# Where gunicorn.conf.py is not found, gunicorn calls the application by WSGI.
WITHOUT_CONFIG = ("--config", os.devnull, "--pythonpath", str(ROOT))
# The environment that make uses is the one that the tests run in.
MAKE = ("make", f"VENV={sys.prefix}", f"--old-file={sys.prefix}/.base", "--no-print-directory")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start") / "models"
    build(folder, "--set", "n_estimators=5")
    return folder


@contextmanager
def started(
    store: Path, *command: str, cwd: Path = ROOT, host: str = "127.0.0.1", **settings: str
) -> Iterator[tuple[psutil.Process, str]]:
    """Run a command until the block ends, once it answers; gives its process and its address."""
    port = free_port()
    settings = {"PORT": str(port), "WEB_CONCURRENCY": "1"} | settings
    log = store.parent / f"log-{port}"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [word.replace("<port>", str(port)) for word in command],
            cwd=cwd,
            env=environment(store, **settings),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return requests.get(f"http://{host}:{port}/livez", timeout=5).ok
        except requests.ConnectionError:
            return False

    try:
        wait_until(answers, f"{command} to answer ({log})", patience=60)
        yield psutil.Process(process.pid), f"http://{host}:{port}"
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            family = [p for p in psutil.process_iter() if session_of(p) == process.pid]
            for left in family:
                left.kill()
    assert family == []
    assert "Traceback" not in log.read_text()


def session_of(process: psutil.Process) -> int:
    try:
        return os.getsid(process.pid)
    except ProcessLookupError:
        return 0


def check_answers(url: str) -> None:
    answer = requests.post(f"{url}/v0/predict", json=CREDIT_ROW, timeout=30)
    assert answer.status_code == 200, answer.text
    assert requests.get(f"{url}/metrics", timeout=30).status_code == 200


@pytest.mark.parametrize(
    "command",
    [
        (*GUNICORN, "app:app"),
        (*GUNICORN, "app:create_app()"),
        (*GUNICORN, *WITHOUT_CONFIG, "--bind=127.0.0.1:<port>", "app:app"),
        (*GUNICORN, *WITHOUT_CONFIG, "--bind=127.0.0.1:<port>", "app:create_app()"),
        (*GUNICORN, "--chdir", str(ROOT), "--bind=127.0.0.1:<port>", "app:asgi"),
        (sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT), "--port=<port>", "app:app"),
        PYTHON,
    ],
    ids=lambda command: " ".join(word for word in command[1:] if "/" not in word),
)
def test_it_starts_and_answers(store: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    elsewhere = str(ROOT) in " ".join(command[1:])
    with started(store, *command, cwd=tmp_path if elsewhere else ROOT) as (_, url):
        check_answers(url)


def test_a_factory_is_served_as_the_application_is(store: Path) -> None:
    with started(store, *GUNICORN, "app:create_app()") as (_, url):
        # Refused before the body is read: only the ASGI application does that.
        answer = requests.get(f"{url}/v0/jobs/x/events", timeout=30)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("given", "asked"), [("::1", "[::1]"), ("::", "[::1]"), ("::", "127.0.0.1"), ("[::]", "[::1]")]
)
def test_it_listens_on_ipv6(store: Path, given: str, asked: str) -> None:
    require(has_ipv6(), "IPv6", "sysctl net.ipv6.conf.lo.disable_ipv6=0")
    with started(store, *PYTHON, host=asked, HOST=given) as (_, url):
        check_answers(url)
    logs = "".join(log.read_text() for log in store.parent.glob(f"log-{url.rpartition(':')[2]}"))
    assert f"Mirante answers on http://[::1]:{url.rpartition(':')[2]}" in logs


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def refused(store: Path, *command: str, cwd: Path = ROOT, **settings: str) -> str:
    """Return the one line with which a start ends."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment(store, **settings),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "[INFO]" not in line]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        (PYTHON, "WEB_CONCURRENCY", "two"),
        (PYTHON, "WEB_CONCURRENCY", "0"),
        (PYTHON, "PORT", "abc"),
        ((*GUNICORN, "app:asgi"), "WEB_CONCURRENCY", "0"),
        ((*GUNICORN, "app:asgi"), "PORT", "65536"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line(
    store: Path, command: tuple[str, ...], name: str, value: str
) -> None:
    settings: dict[str, Any] = {name: value}
    assert refused(store, *command, **settings).startswith(f"mirante: {name}: expected int")


def test_a_port_that_is_taken_is_one_line_and_leaves_nothing(store: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refused(store, *PYTHON, PORT=port, TMPDIR=str(tmp_path))
    assert line == f"mirante: HOST, PORT: cannot listen on port {port}: address already in use"
    assert list(tmp_path.iterdir()) == []


def test_two_run_side_by_side(store: Path) -> None:
    with started(store, *PYTHON) as (_, one), started(store, *PYTHON) as (_, other):
        for url in (one, other):
            check_answers(url)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_make_leaves_nothing_that_serves(store: Path, end: signal.Signals) -> None:
    require(shutil.which("make") is not None, "make", "apt-get install make")
    with started(store, *MAKE, "serve", TRAINING_WORKER="embedded") as (make, url):
        check_answers(url)
        if end == signal.SIGINT:  # what Ctrl-C sends to everything in the terminal
            os.killpg(make.pid, end)
        # SIGTERM is sent to make alone, by the end of the block.


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """A folder with bin/with_env and a .env."""
    shutil.copytree(ROOT / "bin", tmp_path / "bin")
    (tmp_path / ".env").write_text("MODEL_STORE='from the file'\nPORT=1\n")
    return tmp_path


def test_a_command_runs_with_what_the_file_sets(env_file: Path) -> None:
    code = "import os; print(os.environ['MODEL_STORE'], os.environ['PORT'])"
    done = subprocess.run(
        [sys.executable, "bin/with_env", sys.executable, "-c", code],
        cwd=env_file,
        env={"PATH": os.environ["PATH"], "PORT": "2"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "from the file 2\n", done.stderr


def test_a_copy_runs_from_a_folder_that_cannot_be_written_and_has_a_strange_name(
    store: Path,
) -> None:
    with tempfile.TemporaryDirectory(prefix="um módelo ") as folder:
        copy = Path(folder) / "tree"
        unwanted = shutil.ignore_patterns(".*", "models", "keys", "var", "__pycache__", "tests")
        shutil.copytree(ROOT, copy, ignore=unwanted)
        subprocess.run(["chmod", "-R", "a-w", copy], check=True)
        try:
            with started(store, sys.executable, str(copy / "app.py"), cwd=copy) as (_, url):
                check_answers(url)
        finally:
            subprocess.run(["chmod", "-R", "u+w", copy], check=True)


def test_its_configuration_is_found_from_any_folder(root: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "gunicorn", "--config", str(root / "gunicorn.conf.py")),
            *("--chdir", str(root), "--check-config", "app:asgi"),
        ],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
