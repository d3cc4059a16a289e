"""The prediction log under a real gunicorn: what a kill -9 loses, what a stop leaves behind."""

from __future__ import annotations

import shutil
import threading
import time
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from monitoring.archive import MEBIBYTE, open_archive
from monitoring.reading import LogReader
from monitoring.spool import Spool
from tests.conftest import require
from tests.servers import INSTALL_S3, s3_server, wait_until
from tests.service import CREDIT_ROW, Service, build, serve

# What a process that is killed may lose.
SECOND = 1.0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logged") / "models"
    build(folder, "--set", "n_estimators=10")
    return folder


class Clients:
    """Clients that ask without pause; `answered` says when each id was."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(i,)) for i in range(4)]
        self.answered: dict[str, float] = {}
        self.sent: set[str] = set()

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, client: int) -> None:
        url, count = f"{self._service.url}/v0/predict", 0
        session = requests.Session()
        while not self._stopping.is_set():
            count += 1
            name = f"client-{client}-{count}"
            self.sent.add(name)
            try:
                answer = session.post(
                    url, json=CREDIT_ROW, headers={"X-Inference-Id": name}, timeout=10
                )
            except requests.RequestException:  # its worker was killed
                session = requests.Session()
                continue
            assert answer.headers["X-Inference-Id"] == name
            self.answered[name] = time.monotonic()
            time.sleep(0.005)


def logged(folder: Path) -> list[dict[str, Any]]:
    """Return what the log has of the credit model, archived or not."""
    reader = LogReader(open_archive(str(folder)), Spool(folder / ".spool", MEBIBYTE))
    now = datetime.now(UTC)
    tables = reader.tables("credit", now - timedelta(hours=1), now + timedelta(hours=1))
    return [row for table in tables for row in table.to_pylist()]


def archived(folder: Path) -> bool:
    return list((folder / ".spool").glob("*.segment")) == []


def test_a_killed_worker_loses_a_second_at_most_and_nothing_is_half(
    store: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with serve(store, WEB_CONCURRENCY="2", PREDICTION_LOG=str(log)) as service:
        with Clients(service) as clients:
            time.sleep(2.0)
            killed = time.monotonic()
            for worker in service.workers():
                worker.kill()
        old = {name for name, moment in clients.answered.items() if moment < killed - SECOND}
        assert len(old) > 20
        ids = [row["id"] for row in logged(log)]
        assert len(ids) == len(set(ids))
        assert old <= set(ids) <= clients.sent
        # A new worker finds what the killed ones have left; it begins with its first answer.
        wait_until(lambda: _answers(service), "an answer of a new worker", 60)
        wait_until(lambda: bool(list(log.glob("predictions/credit/*/*.parquet"))), "the archive")
        for worker in service.workers():
            assert "/pyarrow/" not in _mapped(worker)
    # The end of the service waits until the rest is archived.
    wait_until(lambda: archived(log), "the last segment")
    rows = logged(log)
    assert old <= {row["id"] for row in rows}
    for row in rows:
        assert (row["in.income"], row["in.home"], row["answer"]) == (129.0, "rent", "true")
        assert sum(row["probabilities"]) == pytest.approx(1.0, abs=1e-6)


def _answers(service: Service) -> bool:
    try:
        return requests.post(f"{service.url}/v0/predict", json=CREDIT_ROW, timeout=10).ok
    except requests.RequestException:
        return False


def _mapped(process: psutil.Process) -> str:
    return " ".join(region.path for region in process.memory_maps())


def test_a_killed_service_is_read_where_it_was_cut(store: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        serve(store, WEB_CONCURRENCY="1", PREDICTION_LOG=str(log)) as service,
        Clients(service) as (clients),
    ):
        time.sleep(1.5)
        killed = time.monotonic()
        for process in [service.master, *service.master.children(recursive=True)]:
            process.kill()
    old = {name for name, moment in clients.answered.items() if moment < killed - SECOND}
    assert old <= {row["id"] for row in logged(log)}
    assert old
    # The next start archives it, and what it answers itself comes to it.
    with serve(store, WEB_CONCURRENCY="1", PREDICTION_LOG=str(log)) as service:
        cave = CREDIT_ROW | {"home": "cave"}
        requests.post(f"{service.url}/v0/predict", json=cave, timeout=10).raise_for_status()
        counted = 'mirante_prediction_log_rows_total{outcome="written"} 1.0'
        metrics = f"{service.url}/metrics"
        wait_until(lambda: counted in requests.get(metrics, timeout=10).text, "the count")
    wait_until(lambda: archived(log), "the segments")
    assert old <= {row["id"] for row in logged(log)}
    assert [row["in.home"] for row in logged(log) if row["in.home"] != "rent"] == ["cave"]


def test_a_lost_dyno_costs_the_rows_since_they_were_last_put_elsewhere(
    store: Path, tmp_path: Path
) -> None:
    require(all(map(find_spec, ("obstore", "moto"))), "obstore or moto", INSTALL_S3)
    with s3_server() as bucket:
        options = bucket.client_options

        def there() -> set[str]:
            reader = LogReader(open_archive(bucket.url, options))  # of another machine: no spool
            now, hour = datetime.now(UTC), timedelta(hours=1)
            tables = reader.tables("credit", now - hour, now + hour, ["id"])
            return {name for table in tables for name in table["id"].to_pylist()}

        settings = {
            "PREDICTION_LOG": bucket.url,
            "PREDICTION_LOG_SECONDS": "1",
            "PREDICTION_LOG_SPOOL": str(tmp_path / "spool"),
            **{f"AWS_{name.upper()}": value for name, value in options.items()},
            "AWS_ENDPOINT_URL": options["endpoint"],
        }

        def send(service: Service, name: str) -> None:
            named = {"X-Inference-Id": name}
            url = f"{service.url}/v0/predict"
            requests.post(url, json=[CREDIT_ROW] * 3, headers=named, timeout=10).raise_for_status()

        with serve(store, WEB_CONCURRENCY="1", **settings) as service:
            send(service, "first")
            wait_until(lambda: len(there()) == 3, "the first rows in the bucket", 60)
            send(service, "second")
            wait_until(lambda: len(there()) == 6, "the second rows in the bucket", 60)
            for process in [service.master, *service.master.children(recursive=True)]:
                process.kill()
        # The machine is gone with its disk.
        shutil.rmtree(tmp_path / "spool")
        assert there() == {f"{name}.{i}" for name in ("first", "second") for i in range(3)}
        with serve(
            store, WEB_CONCURRENCY="1", **settings | {"PREDICTION_LOG_SECONDS": "600"}
        ) as one:
            send(one, "third")
        # SIGTERM loses nothing.
        wait_until(lambda: len(there()) == 9, "the rows of the one that ended", 60)
