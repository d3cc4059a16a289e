"""Many at once against the whole service: slow, silent, hasty. One worker, and nobody is lost."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc
import numpy as np
import psutil
import pytest
import requests
from grpc_reflection.v1alpha import reflection_pb2_grpc

from tests.servers import free_port, listens, wait_until
from tests.service import CREDIT_ROW, ROOT, Service, build, environment, serve
from tests.serving.grpc.triton_client import triton

ROW = json.dumps(CREDIT_ROW).encode()
HEAD = b"POST /v0/predict HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
# The router of a platform gives a request up after as long.
PATIENCE = 30.0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crowds") / "models"
    build(folder, "--set", "n_estimators=20")
    return folder


@pytest.fixture(scope="module")
def service(store: Path) -> Iterator[Service]:
    with serve(store, WEB_CONCURRENCY="1") as running:
        yield running
        assert "Traceback" not in running.log.read_text()


def predicts(service: Service) -> int:
    url = f"{service.url}/v0/predict"
    return requests.post(url, json=CREDIT_ROW, timeout=PATIENCE).status_code


def request(body: bytes) -> bytes:
    return HEAD + b"content-length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize("path", ["/v0/predict", "/invocations", "/v0/feedback", "/mcp"])
def test_140_bodies_of_which_one_byte_has_come_stop_nobody(service: Service, path: str) -> None:
    begun = request(ROW)[: -len(ROW) + 1].replace(b"/v0/predict", path.encode())
    with ExitStack() as stack:
        for _ in range(140):
            address = ("127.0.0.1", service.port)
            stack.enter_context(socket.create_connection(address, timeout=10)).sendall(begun)
        assert [predicts(service) for _ in range(20)] == [200] * 20


def test_400_requests_at_once_are_all_answered(service: Service) -> None:
    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(request(ROW))
        line = await asyncio.wait_for(reader.readline(), PATIENCE)
        writer.close()
        return line

    async def ask_together() -> list[bytes]:
        return await asyncio.gather(*(ask() for _ in range(400)))

    assert Counter(asyncio.run(ask_together())) == {b"HTTP/1.1 200 OK\r\n": 400}


def test_40_clients_that_do_not_read_hold_little_memory(service: Service) -> None:
    asked = request(b"[" + b",".join([ROW] * 40_000) + b"]")
    body = asked.partition(b"\r\n\r\n")[2]
    headers = {"Content-Type": "application/json"}
    whole = requests.post(f"{service.url}/v0/predict", body, headers=headers, timeout=PATIENCE)
    assert len(whole.content) * 40 > 140e6
    (worker,) = service.workers()
    before = worker.memory_info().rss
    with ExitStack() as stack:
        for _ in range(40):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", service.port))
            stack.enter_context(client).settimeout(2 * PATIENCE)
            client.sendall(asked)
        assert predicts(service) == 200
        wait_until(lambda: worker.memory_info().rss - before < 80e6, "memory to be given back", 60)
    assert service.workers() == [worker]


def tensor(described: Any) -> Any:
    """Return the input of one row that a model's metadata describes."""
    value = (CREDIT_ROW | {"records": False})[described.name]
    kinds = {"BYTES": object, "BOOL": bool, "INT64": np.int64, "FP64": np.float64}
    array = np.array([value], kinds[described.datatype])
    given = triton.InferInput(described.name, [1], described.datatype)
    given.set_data_from_numpy(array)
    return given


@contextmanager
def grpc_process(store: Path) -> Iterator[tuple[str, psutil.Process]]:
    port = free_port()
    command = [sys.executable, "grpc_process.py"]
    kept = environment(store, GRPC_PORT=str(port))
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, env=kept, stdout=silent, stderr=silent)
    try:
        wait_until(lambda: listens(port), "the gRPC process", 60)
        yield f"127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def test_200_calls_at_once_are_answered_beside_idle_streams(store: Path) -> None:
    ended = threading.Event()

    def nothing() -> Iterator[Any]:
        ended.wait(60)
        yield from ()

    with grpc_process(store) as (address, _), grpc.insecure_channel(address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        streams = [stub.ServerReflectionInfo(nothing()) for _ in range(4)]
        try:
            with triton.InferenceServerClient(address) as client:
                assert client.is_model_ready("credit")
                inputs = [tensor(one) for one in client.get_model_metadata("credit").inputs]
                answers: SimpleQueue[Any] = SimpleQueue()
                for _ in range(200):
                    client.async_infer("credit", inputs, lambda result, error: answers.put(error))
                errors = Counter(answers.get(timeout=PATIENCE) for _ in range(200))
            assert errors == {None: 200}
        finally:
            ended.set()
            for stream in streams:
                stream.cancel()
