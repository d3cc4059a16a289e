"""The whole service under a real gunicorn: swaps under load, killed workers, light processes."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from persistence.opening import open_registry
from tests.collector import collecting
from tests.servers import wait_until
from tests.service import CREDIT_ROW, Service, build, serve


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("service") / "models"
    build(folder, "--set", "n_estimators=10")
    return folder


@pytest.fixture(scope="module")
def service(store: Path) -> Iterator[Service]:
    with serve(store, WEB_CONCURRENCY="2") as running:
        yield running


def predict(service: Service, session: requests.Session | None = None) -> requests.Response:
    return (session or requests).post(f"{service.url}/v0/predict", json=CREDIT_ROW, timeout=10)


class Load:
    """Clients that ask without pause and keep every answer."""

    def __init__(self, service: Service, clients: int = 4) -> None:
        self._service = service
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        self.answers: list[tuple[str, float]] = []
        self.failures: list[str] = []

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        with requests.Session() as session:
            while not self._stopping.is_set():
                try:
                    answer = predict(self._service, session)
                    answer.raise_for_status()
                    document = answer.json()
                    self.answers.append(
                        (document["model"]["version"], document["prediction"]["probability"])
                    )
                except (requests.RequestException, KeyError) as error:
                    self.failures.append(repr(error))


def test_a_promotion_reaches_every_worker_under_load_and_no_answer_mixes_versions(service, store):
    before = predict(service).json()
    with Load(service) as load:
        build(store, "--set", "n_estimators=20", "--seed", "5", "--promote", "always")
        promoted = time.monotonic()
        champion = open_registry(str(store)).champion("credit")
        assert champion is not None
        version = champion.version
        seen: set[int] = set()
        while len(seen) < 2 and time.monotonic() < promoted + 10:
            with requests.Session() as session:
                if predict(service, session).json()["model"]["version"] == version:
                    seen.add(service.worker_of(session))
    assert seen == {worker.pid for worker in service.workers()}
    assert load.failures == []
    assert version != before["model"]["version"]
    expected = {
        before["model"]["version"]: before["prediction"]["probability"],
        version: predict(service).json()["prediction"]["probability"],
    }
    assert expected[version] != expected[before["model"]["version"]]
    assert set(load.answers) == set(expected.items())


def test_the_spans_of_every_worker_are_sent_before_it_ends(store):
    late = {"OTEL_BSP_SCHEDULE_DELAY": "600000"}
    asked, seen = 0, set[int]()
    with collecting() as collector:
        address = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        with serve(store, WEB_CONCURRENCY="2", **address, **late) as running:
            while len(seen) < 2 and asked < 100:
                with requests.Session() as session:
                    told = predict(running, session).headers["traceparent"]
                    seen.add(running.worker_of(session))
                asked += 1
            assert collector.spans == []
        spans = collector.named("POST /v0/predict")
        assert len(seen) == 2
        assert len(spans) == asked
        assert told.split("-")[1] in {span.trace_id for span in spans}
        stations = {tuple(collector.children(span)) for span in spans}
        assert stations == {("receive", "decode", "predict", "render")}
        assert collector.named("GET /livez")


def test_a_killed_worker_is_replaced_and_the_others_answer(service):
    victim = service.workers()[0]
    victim.kill()
    assert predict(service).ok
    wait_until(
        lambda: (
            len(service.workers()) == 2 and victim.pid not in [w.pid for w in service.workers()]
        ),
        "another worker",
    )
    assert predict(service).ok


def test_a_worker_of_compiled_models_has_not_loaded_what_training_needs(service):
    assert predict(service).ok
    runtime = requests.get(f"{service.url}/v0/model_info", timeout=10).json()["runtime"]
    assert runtime["compiled"] is True
    wait_until(lambda: all("onnxruntime" in mapped(w) for w in service.workers()), "the models")
    for worker in service.workers():
        for heavy in ("sklearn", "scipy", "pandas", "matplotlib", "onnx"):
            assert f"/{heavy}/" not in mapped(worker)


def mapped(process: psutil.Process) -> str:
    """Return the paths of the files that a process has mapped, its libraries among them."""
    return " ".join(region.path for region in process.memory_maps())


def test_metrics_count_what_all_workers_answered(service):
    # By a path that no other test asks: what those asked may still be waiting to be counted.
    path = "/v0/models/credit/predict"

    def counted() -> float:
        text = requests.get(f"{service.url}/metrics", timeout=10).text
        wanted = 'mirante_requests_total{route="/v0/models/{name}/predict",status="200"} '
        lines = [line for line in text.splitlines() if line.startswith(wanted)]
        return sum(float(line.split()[-1]) for line in lines)

    workers: set[int] = set()
    asked = 0
    while len(workers) < 2:
        with requests.Session() as session:
            assert session.post(service.url + path, json=CREDIT_ROW, timeout=10).ok
            asked += 1
            workers.add(service.worker_of(session))
    wait_until(lambda: {counted() for _ in range(10)} == {asked}, "every worker's count")


def test_every_worker_shows_the_trace_of_a_slow_request(service):
    trace = "0af7651916cd43dd8448eb211c80319c"
    asked = {"Accept": "application/openmetrics-text"}

    def shown() -> set[str]:
        text = requests.get(f"{service.url}/metrics", headers=asked, timeout=10).text
        families = {family.name: family for family in text_string_to_metric_families(text)}
        samples = families["mirante_request_seconds"].samples
        return {s.exemplar.labels["trace_id"] for s in samples if s.exemplar}

    parent = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    answer = requests.post(f"{service.url}/v0/predict", json=CREDIT_ROW, headers=parent, timeout=10)
    assert answer.headers["traceparent"] == parent["traceparent"]
    wait_until(lambda: all(trace in shown() for _ in range(10)), "every worker's exemplars")


def test_a_client_that_leaves_in_the_middle_of_its_body_disturbs_nobody(service):
    with socket.create_connection(("127.0.0.1", service.port)) as leaving:
        leaving.sendall(b"POST /v0/predict HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\n{")
    assert predict(service).ok


def test_a_body_over_the_limit_is_refused_before_it_is_sent(service):
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
        client.sendall(
            b"POST /v0/predict HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
            b"content-length: 99999999999\r\n\r\n"
        )
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")
    assert predict(service).ok


def test_flask_and_the_event_loop_are_one_service(service):
    for path in ("/health", "/livez", "/readyz", "/v0/models", "/v0/model_info", "/metrics"):
        answer = requests.get(service.url + path, timeout=10)
        assert answer.ok, path
        assert answer.headers["x-request-id"]
    refused = requests.get(f"{service.url}/v0/predict", timeout=10)
    assert (refused.status_code, refused.headers["allow"]) == (405, "OPTIONS, POST")


def test_without_a_model_it_is_live_and_not_ready_and_becomes_ready(tmp_path):
    store = tmp_path / "models"
    with serve(store, WEB_CONCURRENCY="1") as service:
        assert requests.get(f"{service.url}/livez", timeout=10).ok
        assert requests.get(f"{service.url}/readyz", timeout=10).status_code == 503
        assert predict(service).status_code == 404
        build(store, "--set", "n_estimators=5")
        wait_until(lambda: requests.get(f"{service.url}/readyz", timeout=10).ok, "readiness")
        assert predict(service).ok


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("MAX_ROWS", "many", "MAX_ROWS: expected int"),
        ("DATABASE_URL", "mysql://h/d", "DATABASE_URL: expected sqlite:///path"),
    ],
)
def test_a_setting_that_cannot_be_used_stops_the_service_with_one_line(tmp_path, name, value, line):
    refused = pytest.raises(AssertionError, match=line)
    with refused, serve(tmp_path / "models", **{name: value}):
        pass


def test_its_processes_end_within_the_time_a_dyno_gives(store):
    with serve(store, WEB_CONCURRENCY="2") as service:
        workers = service.workers()
        started = time.monotonic()
        service.master.terminate()
        _, alive = psutil.wait_procs([service.master, *workers], timeout=20)
        assert alive == []
        assert time.monotonic() - started < 20


def test_the_log_is_lines_of_json_with_the_requests_id(store):
    with serve(store, ACCESS_LOG_SAMPLE="1") as service:
        requests.post(
            f"{service.url}/v0/predict",
            json=CREDIT_ROW,
            headers={"x-request-id": "find-me"},
            timeout=10,
        )
        lines = [line for line in service.log.read_text().splitlines() if "find-me" in line]
    (line,) = map(json.loads, lines)
    assert (line["message"], line["status"], line["rows"]) == ("request", 200, 1)
    assert line["model"] == "credit"
