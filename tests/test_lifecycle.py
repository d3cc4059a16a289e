"""Training and versions under a real gunicorn: a table in, another model out, nothing restarted."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from serving.auth import new_key, write_key_file
from tests.servers import free_port, listens, wait_until
from tests.service import CREDIT_ROW, Service, build, environment, serve

ROOT = Path(__file__).resolve().parent.parent


class Client:
    """A caller with a key."""

    def __init__(self, service: Service, token: str) -> None:
        self._url = service.url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """Send a request."""
        return self._session.request(method, self._url + path, timeout=30, **more)

    def events(self, job_id: str, last: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Watch a job to its end: ids and changes."""
        headers = {"Last-Event-ID": last} if last else {}
        path = f"/v0/jobs/{job_id}/events"
        with self.ask("GET", path, headers=headers, stream=True) as answer:
            lines = [line for line in answer.iter_lines(decode_unicode=True) if line]
        fields = [line.partition(": ")[2] for line in lines if not line.startswith(":")]
        for number, data in zip(fields[::2], fields[1::2], strict=True):
            yield number, json.loads(data)

    def version(self) -> str:
        """Return the version that answers."""
        answer = self.ask("POST", "/v0/predict", json=CREDIT_ROW)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["model"]["version"])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lifecycle") / "models"
    build(folder, "--set", "n_estimators=10")
    return folder


@contextmanager
def running(store: Path, **settings: str) -> Iterator[tuple[Service, Client]]:
    """Run the service with an embedded worker and a key of every scope."""
    token, key = new_key("tester", ["admin"])
    given = {"TRAINING_WORKER": "embedded", "WEB_CONCURRENCY": "2", "API_KEYS": key.entry()}
    with serve(store, **(given | settings)) as service:
        yield service, Client(service, token)


def workers_of(service: Service) -> list[psutil.Process]:
    children = service.master.children(recursive=True)
    return [child for child in children if "worker.py" in " ".join(child.cmdline())]


def test_the_whole_story(store: Path) -> None:
    with running(store) as (_, client):
        before = client.version()
        with (ROOT / "data/credit.csv").open("rb") as table:
            fields = {"target": "approved", "estimator": "logistic", "promote": "always"}
            answer = client.ask("POST", "/v0/train", data=fields, files={"file": table})
        assert answer.status_code == 202, answer.text
        job_id = answer.json()["id"]
        assert answer.headers["Location"] == f"/v0/jobs/{job_id}"

        told = list(client.events(job_id))
        stages = [change["stage"] for _, change in told if change.get("stage")]
        assert stages[:2] == ["read", "fit"]
        assert told[-1][1]["state"] == "succeeded"
        assert list(client.events(job_id, told[2][0])) == told[3:]
        job = client.ask("GET", f"/v0/jobs/{job_id}").json()
        assert (job["state"], job["version"]) == ("succeeded", told[-1][1]["version"])

        wait_until(lambda: client.version() == job["version"], "the new version", 10)
        assert client.ask("GET", "/v0/model_info").json()["model_name"] == "LogisticRegression"
        answer = client.ask("POST", "/v0/models/credit/rollback")
        assert answer.json()["version"] == before
        wait_until(lambda: client.version() == before, "the old version", 10)

        lines = client.ask("GET", "/v0/audit").json()["audit"]
        assert [(line["who"], line["action"]) for line in lines] == [
            ("tester", "rollback"),
            (f"job {job_id}", "promote"),
            (f"job {job_id}", "register"),
            ("tester", "train"),
        ]


def test_the_embedded_worker_ends_with_a_killed_master(store: Path) -> None:
    with running(store) as (service, client):
        assert client.ask("GET", "/v0/jobs").ok  # before the first look there is nothing to work on
        wait_until(lambda: len(workers_of(service)) == 2, "the worker and its supervisor", 20)
        processes = workers_of(service)
        service.master.kill()
        wait_until(lambda: not any(map(alive, processes)), "the worker to end", 20)


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_two_hundred_watchers_slow_nothing(store: Path) -> None:
    with running(store, TRAINING_WORKER="external") as (_, client):
        job = client.ask("POST", "/v0/train", json={"recipe": "credit"}).json()
        assert job["warnings"] == ["no worker is alive: the job waits until one is started"]
        alone = slowest(client)
        asyncio.run(asyncio.wait_for(watched(client, job["id"], alone), 60))


async def watched(client: Client, job_id: str, alone: float) -> None:
    host, port = client._url.removeprefix("http://").split(":")
    token = str(client._session.headers["Authorization"])
    request = (
        f"GET /v0/jobs/{job_id}/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n\r\n"
    )
    connections = await asyncio.gather(
        *(asyncio.open_connection(host, int(port)) for _ in range(200))
    )
    for reader, writer in connections:
        writer.write(request.encode())
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    among = await asyncio.to_thread(slowest, client)
    assert among < max(10 * alone, 0.5), f"{alone:.3f} s alone, {among:.3f} s among watchers"
    # Flask's pool has ten threads, and all of them are free.
    answer = await asyncio.to_thread(client.ask, "DELETE", f"/v0/jobs/{job_id}")
    assert answer.json()["state"] == "cancelled"
    for reader, writer in connections:
        assert b'"cancelled"' in await asyncio.wait_for(reader.readuntil(b'"cancelled"'), 10)
        writer.close()


def slowest(client: Client) -> float:
    """Return how long the slowest of some predictions and listings takes."""
    worst = 0.0
    for _ in range(30):
        began = time.monotonic()
        client.version()
        assert client.ask("GET", "/v0/jobs").status_code == 200
        worst = max(worst, time.monotonic() - began)
    return worst


def test_on_a_desk_a_key_is_made_and_kept_out_of_the_log(store: Path, tmp_path: Path) -> None:
    keys = str(tmp_path / "var" / "api_keys")
    settings = {"TRAINING_WORKER": "external", "API_KEYS": "", "API_KEYS_FILE": keys}
    with running(store, **settings) as (service, _):
        (where,) = re.findall(r"API key for this run, with every scope: in (\S+)", log_of(service))
        assert Path(where).stat().st_mode & 0o777 == 0o600
        token = Path(where).read_text().strip()
        assert token not in log_of(service)
        assert Client(service, token).ask("GET", "/v0/audit").status_code == 200
        assert Client(service, token + "x").ask("GET", "/v0/audit").status_code == 401


def test_an_address_of_the_command_line_counts_as_well(store: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--bind", f"0.0.0.0:{port}", "app:asgi"],
        cwd=ROOT,
        env=environment(store),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: listens(port), "the service to listen")
    finally:
        process.terminate()
        _, log = process.communicate(timeout=30)
    assert "Mirante answers" in log
    assert "API key" not in log


def test_where_others_can_ask_no_key_is_made(store: Path) -> None:
    given = {"TRAINING_WORKER": "external", "API_KEYS": "", "HOST": "0.0.0.0"}
    with running(store, **given) as (service, client):
        assert "API key" not in log_of(service)
        answer = client.ask("GET", "/v0/jobs")
        assert answer.status_code == 403
        assert "python -m serving.auth new" in answer.json()["detail"]
        # Made now, it is known a moment later, without a restart.
        token, key = new_key("late", ["train"])
        write_key_file(store.parent / "api_keys", [key])
        late = Client(service, token)
        wait_until(lambda: late.ask("GET", "/v0/jobs").status_code == 200, "the key", 5)
    (store.parent / "api_keys").unlink()


def log_of(service: Service) -> str:
    return service.log.read_text()
