"""Three web processes, a worker and one PostgreSQL, as dynos would be; and what may go wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from serving.auth import new_key
from tests.conftest import require
from tests.servers import (
    INSTALL_POSTGRES,
    PostgresServer,
    find_postgres,
    postgres_server,
    wait_until,
)
from tests.service import CREDIT_ROW, Service, build, environment, serve

POLL = "0.25"
SWAPS = 20
# By when every process must have followed; what an answer may lag behind, in seconds.
PATIENCE = 10.0


class Answer(NamedTuple):
    """One prediction: when it was asked for and had, by which version, how probable."""

    asked: float
    had: float
    version: str
    probability: float


class Reign(NamedTuple):
    """A version, and when at the earliest it was champion."""

    version: str
    since: float


class Load:
    """A client of each service that asks without pause and keeps every answer."""

    def __init__(self, services: list[Service]) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(s.url,)) for s in services]
        self.answers: list[Answer] = []
        self.failures: list[str] = []

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, url: str) -> None:
        with requests.Session() as session:
            while not self._stop.is_set():
                asked = time.monotonic()
                try:
                    answer = session.post(f"{url}/v0/predict", json=CREDIT_ROW, timeout=10)
                    answer.raise_for_status()
                except requests.RequestException as error:
                    self.failures.append(repr(error))
                    continue
                told = answer.json()
                version, found = told["model"]["version"], told["prediction"]["probability"]
                self.answers.append(Answer(asked, time.monotonic(), version, found))
                time.sleep(0.005)


@dataclass
class Dynos:
    """The services over one database, and a key to them."""

    postgres: PostgresServer
    settings: dict[str, str]
    services: list[Service]
    headers: dict[str, str]
    versions: tuple[str, str]

    def ask(self, index: int, method: str, path: str, **more: object) -> requests.Response:
        """Ask one of the services."""
        url = self.services[index].url + path
        return requests.request(method, url, headers=self.headers, timeout=30, **more)  # type: ignore[arg-type]

    def wait_until_all_answer_by(self, version: str) -> float:
        """Wait for it and return how many seconds it took."""
        began = time.monotonic()
        indices = range(len(self.services))
        wait_until(
            lambda: all(self.version(index) == version for index in indices),
            "every process to follow",
            PATIENCE,
        )
        return time.monotonic() - began

    def version(self, index: int) -> str:
        """Return the version that a service answers by."""
        answer = self.ask(index, "POST", "/v0/predict", json=CREDIT_ROW)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["model"]["version"])

    def readiness(self, index: int) -> str:
        """Return what a service says of itself."""
        return str(self.ask(index, "GET", "/readyz").json()["status"])


@pytest.fixture(scope="module")
def dynos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dynos]:
    require(find_postgres() is not None, "PostgreSQL", INSTALL_POSTGRES)
    folder = tmp_path_factory.mktemp("dynos")
    token, key = new_key("tester", ["admin"])
    with postgres_server() as server, ExitStack() as stack:
        settings = {
            "MODEL_STORE": server.url,
            "DATABASE_URL": server.url,
            "KEY_FOLDER": str(folder / "keys"),
            "API_KEYS": key.entry(),
            "POLL_SECONDS": POLL,
            "WEB_CONCURRENCY": "1",
        }
        versions = tuple(trained(folder, settings, seed) for seed in ("1", "2"))
        services = [stack.enter_context(serve(folder, **settings)) for _ in range(3)]
        headers = {"Authorization": f"Bearer {token}"}
        yield Dynos(server, settings, services, headers, versions)  # type: ignore[arg-type]


def trained(folder: Path, settings: dict[str, str], seed: str) -> str:
    words = ("--set", "n_estimators=5", "--seed", seed, "--promote", "always")
    return build(folder, *words, **settings).split()[1]


def test_every_process_follows_twenty_swaps_under_load(dynos: Dynos) -> None:
    old, new = dynos.versions
    dynos.wait_until_all_answer_by(new)
    reigns = [Reign(new, time.monotonic())]
    slowest = 0.0
    with Load(dynos.services) as load:
        for number in range(SWAPS):
            version = old if number % 2 == 0 else new
            since = time.monotonic()
            if number % 4 < 2:
                path = f"/v0/models/credit/versions/{version}/promote"
            else:
                path = "/v0/models/credit/rollback"
            answer = dynos.ask(number % 3, "POST", path)
            assert answer.status_code == 200, answer.text
            reigns.append(Reign(answer.json()["version"], since))
            assert reigns[-1].version == version
            slowest = max(slowest, dynos.wait_until_all_answer_by(version))
    assert load.failures == []
    assert len(load.answers) > 500
    assert slowest < PATIENCE
    for one in load.answers:
        assert one.version in champions(reigns, one.asked - slowest - 1, one.had)
    assert len({(answer.version, answer.probability) for answer in load.answers}) == 2


def champions(reigns: list[Reign], start: float, end: float) -> set[str]:
    """Return the versions that were champion at some moment between two times."""
    ends = [reign.since for reign in reigns[1:]] + [float("inf")]
    return {
        reign.version
        for reign, until in zip(reigns, ends, strict=True)
        if reign.since <= end and until >= start
    }


def test_of_two_promotions_at_once_one_wins(dynos: Dynos) -> None:
    old, new = dynos.versions
    current = dynos.ask(0, "POST", f"/v0/models/credit/versions/{old}/promote").json()
    statuses: list[int] = []

    def promote(index: int) -> None:
        path = f"/v0/models/credit/versions/{new}/promote"
        body = {"expected_serial": current["serial"]}
        statuses.append(dynos.ask(index, "POST", path, json=body).status_code)

    threads = [threading.Thread(target=promote, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(statuses) == [200, 409, 409]
    dynos.wait_until_all_answer_by(new)


def test_a_table_put_in_at_one_process_is_trained_by_the_worker(dynos: Dynos, root: Path) -> None:
    environ = environment(root, **dynos.settings)
    with subprocess.Popen([sys.executable, "worker.py"], cwd=root, env=environ) as worker:
        try:
            with (root / "data/credit.csv").open("rb") as table:
                fields = {"target": "approved", "estimator": "logistic", "promote": "always"}
                answer = dynos.ask(0, "POST", "/v0/train", data=fields, files={"file": table})
            assert answer.status_code == 202, answer.text
            events = dynos.ask(1, "GET", answer.headers["Location"] + "/events").text
            assert '"state":"succeeded"' in events
            job = dynos.ask(2, "GET", answer.headers["Location"]).json()
            assert job["promoted"] is True
            dynos.wait_until_all_answer_by(job["version"])
            assert dynos.ask(1, "POST", "/v0/models/credit/rollback").status_code == 200
        finally:
            worker.terminate()
            assert worker.wait(30) == 0


def test_a_killed_process_costs_the_others_nothing(dynos: Dynos) -> None:
    others = dynos.services[:2]
    with Load(others) as load:
        victim = dynos.services[2].workers()[0]
        victim.kill()
        wait_until(
            lambda: [w.pid for w in dynos.services[2].workers()] not in ([], [victim.pid]),
            "another worker",
        )
        wait_until(lambda: dynos.readiness(2) == "ready", "it to be ready")
    assert load.failures == []
    assert load.answers


def test_a_store_that_is_cut_off_costs_no_prediction(dynos: Dynos) -> None:
    old, _ = dynos.versions
    with Load(dynos.services) as load:
        dynos.postgres.stop()
        wait_until(lambda: dynos.readiness(0) == "degraded", "the fault to be told")
        refused = dynos.ask(0, "POST", "/v0/train", json={"recipe": "credit"})
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert dynos.ask(0, "POST", "/v0/models/credit/rollback").status_code == 503
        time.sleep(float(os.environ.get("OUTAGE_SECONDS") or 3))
        dynos.postgres.start()
        wait_until(
            lambda: all(dynos.readiness(index) == "ready" for index in range(3)),
            "everything to be well again",
        )
    assert load.failures == []
    assert dynos.ask(0, "POST", f"/v0/models/credit/versions/{old}/promote").status_code == 200
    dynos.wait_until_all_answer_by(old)
