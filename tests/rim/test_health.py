"""Health is answered whatever all else waits for: a real gunicorn, one worker, real stores."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from serving.auth import new_key
from tests.conftest import require
from tests.servers import (
    INSTALL_POSTGRES,
    INSTALL_S3,
    find_postgres,
    free_port,
    frozen,
    postgres_server,
    s3_server,
    wait_until,
)
from tests.service import CREDIT_ROW, Service, build, serve

PATHS = ("/livez", "/readyz", "/health", "/ping", "/metrics", "/livez/", "/v2/health/ready")
# Far more than the 100 ms that a quiet machine needs, far less than what is waited for.
PATIENCE = 5.0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("health") / "models"
    build(folder, "--set", "n_estimators=5")
    return folder


def key() -> tuple[dict[str, str], dict[str, str]]:
    token, made = new_key("health", ["predict", "train", "admin"])
    return {"X-API-Key": token}, {"API_KEYS": made.entry(), "WEB_CONCURRENCY": "1"}


def slowest(service: Service, *, ready: bool = True) -> float:
    """Ask for everything on new connections, several times, and return the longest wait."""
    longest = 0.0
    for _ in range(5):
        for path in PATHS:
            began = time.monotonic()
            answer = requests.get(service.url + path, timeout=PATIENCE)
            longest = max(longest, time.monotonic() - began)
            unready = not ready and ("ready" in path or path == "/ping")
            assert answer.status_code == (503 if unready else 200), (path, answer.text)
    return longest


def predicts(service: Service) -> int:
    answer = requests.post(f"{service.url}/v0/predict", json=CREDIT_ROW, timeout=PATIENCE)
    return answer.status_code


@contextmanager
def asking(service: Service, headers: dict[str, str], *paths: str) -> Iterator[None]:
    """Have more requests under way than Flask has threads."""
    ended = threading.Event()

    def ask(path: str) -> None:
        while not ended.is_set():
            try:
                requests.get(service.url + path, headers=headers, timeout=2)
            except requests.RequestException:
                time.sleep(0.05)

    with ThreadPoolExecutor(24) as clients:
        for number in range(24):
            clients.submit(ask, paths[number % len(paths)])
        time.sleep(1)
        try:
            yield
        finally:
            ended.set()


def test_stalled_uploads_hold_nobody(store: Path) -> None:
    headers, settings = key()
    head = b"POST /v0/train HTTP/1.1\r\nhost: a\r\nx-api-key: %s\r\ncontent-type: text/csv\r\n"
    begun = head % headers["X-API-Key"].encode() + b"content-length: 9000\r\n\r\na"
    with serve(store, **settings) as service, ExitStack() as stack:
        for _ in range(40):
            address = ("127.0.0.1", service.port)
            stack.enter_context(socket.create_connection(address, timeout=10)).sendall(begun)
        assert slowest(service) < PATIENCE
        assert predicts(service) == 200
        models = requests.get(f"{service.url}/v0/models", timeout=PATIENCE)
        assert models.status_code == 200


def test_downloads_that_nobody_reads_hold_nobody(store: Path) -> None:
    _, settings = key()
    with serve(store, **settings) as service, ExitStack() as stack:
        for path in (b"/metrics", b"/openapi.json") * 4:
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", service.port))
            stack.enter_context(client).sendall(b"GET %s HTTP/1.1\r\nhost: a\r\n\r\n" % path * 600)
        assert slowest(service) < PATIENCE
        assert predicts(service) == 200


def test_a_frozen_postgres_holds_nobody(tmp_path: Path) -> None:
    require(find_postgres() is not None, "PostgreSQL", INSTALL_POSTGRES)
    headers, settings = key()
    with postgres_server() as server:
        shared = {"DATABASE_URL": server.url, "MODEL_STORE": "database", "SIGNING_KEY": "ab" * 32}
        settings |= shared | {"PREDICTION_LOG": "database"}
        build(tmp_path / "models", "--set", "n_estimators=5", **shared)
        with serve(tmp_path / "models", **settings) as service:
            assert predicts(service) == 200
            held = ("/v0/jobs", "/v0/models/credit/versions", f"/v0/jobs/{'a' * 32}/events")
            with frozen(server), asking(service, headers, *held):
                assert slowest(service) < PATIENCE
                assert predicts(service) == 200
            wait_until(lambda: jobs_of(service, headers) == 200, "the database again", 60)
            assert "Traceback" not in service.log.read_text()


def jobs_of(service: Service, headers: dict[str, str]) -> int:
    return requests.get(f"{service.url}/v0/jobs", headers=headers, timeout=60).status_code


class SlowProxy:
    """Lets connections through to a port, what they send only once it is let go."""

    def __init__(self, port: int) -> None:
        self.go = threading.Event()
        self.port = free_port()
        self._behind = port
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._behind))
            for one, other, slow in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._copy, args=(one, other, slow), daemon=True).start()

    def _copy(self, one: socket.socket, other: socket.socket, slow: bool) -> None:
        receive: Callable[[int], bytes] = one.recv
        try:
            while part := receive(65536):
                if slow:
                    self.go.wait(20)  # seconds a request
                other.sendall(part)
        except OSError:
            pass
        finally:
            other.close()

    def close(self) -> None:
        """Accept nobody more."""
        self.go.set()
        self._listener.close()


def test_an_s3_of_twenty_seconds_a_request_holds_nobody(tmp_path: Path) -> None:
    require(has_s3(), "obstore or moto", INSTALL_S3)
    _, settings = key()
    with s3_server() as s3:
        proxy = SlowProxy(s3.port)
        shared = {
            "MODEL_STORE": s3.url,
            "SIGNING_KEY": "ab" * 32,
            "AWS_REGION": s3.client_options["region"],
            "AWS_ACCESS_KEY_ID": s3.client_options["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": s3.client_options["secret_access_key"],
        }
        direct = {"AWS_ENDPOINT_URL": s3.client_options["endpoint"]}
        build(tmp_path / "models", "--set", "n_estimators=5", **shared, **direct)
        through = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"}
        log = {"PREDICTION_LOG": "s3://models/log"}
        try:
            with serve(tmp_path / "models", **settings, **shared, **through, **log) as service:
                assert predicts(service) == 503
                assert slowest(service, ready=False) < PATIENCE
                proxy.go.set()
                wait_until(lambda: predicts(service) == 200, "the champion", 60)
                proxy.go.clear()
                assert slowest(service) < PATIENCE
                assert predicts(service) == 200
                proxy.go.set()
        finally:
            proxy.close()


def has_s3() -> bool:
    from importlib.util import find_spec

    return find_spec("obstore") is not None and find_spec("moto") is not None
