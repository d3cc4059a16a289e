from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from serving.http import gunicorn_worker

GOOD = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"

# What gunicorn serves here: answers after as many seconds as the query says, or when it is told
# that the worker stops, as a stream of events does.
SLOW_APP = """
import asyncio, os

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["query_string"] == b"stream":
        await scope["state"]["stopping"].wait()
    else:
        await asyncio.sleep(float(scope["query_string"] or b"0"))
    body = os.environ["PROMETHEUS_MULTIPROC_DIR"].encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
"""


async def greet(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hi"})


def receive_all(client: socket.socket) -> bytes:
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.fixture
def protocol(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A connection to a server with the limits of a worker, made quick."""
    monkeypatch.setattr(gunicorn_worker, "HEAD_SECONDS", 0.3)
    config = uvicorn.Config(
        greet,
        port=0,
        http=gunicorn_worker.LimitedHttpProtocol,
        lifespan="off",
        log_config=None,
        timeout_keep_alive=1,
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with socket.create_connection(listener.getsockname(), timeout=5) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def problem_of(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    document: dict[str, Any] = json.loads(body)
    assert f"x-request-id: {document['request_id']}".encode() in head
    return document


def test_a_request_in_pieces_is_answered(protocol: socket.socket) -> None:
    for piece in (GOOD[:3], GOOD[3:12], GOOD[12:]):
        protocol.sendall(piece)
        time.sleep(0.02)
    assert protocol.recv(65536).endswith(b"hi")


def test_a_connection_is_kept_through_many_requests(protocol: socket.socket) -> None:
    # Together they are larger than one head may be, and longer on the way.
    padded = GOOD[:-2] + b"x-padding: " + b"a" * 4000 + b"\r\n\r\n"
    for _ in range(20):
        protocol.sendall(padded)
        assert protocol.recv(65536).endswith(b"hi")
    time.sleep(0.4)
    protocol.sendall(GOOD)
    assert protocol.recv(65536).endswith(b"hi")


def test_a_head_without_end_is_refused(protocol: socket.socket) -> None:
    protocol.sendall(GOOD[:-2] + b"x-endless: ")
    for _ in range(17):
        protocol.sendall(b"a" * 4096)
        time.sleep(0.002)
    assert problem_of(receive_all(protocol))["status"] == 431


def test_a_head_that_never_ends_is_refused(protocol: socket.socket) -> None:
    started = time.monotonic()
    protocol.sendall(GOOD[:-2])
    assert problem_of(receive_all(protocol))["status"] == 408
    assert 0.2 < time.monotonic() - started < 2


def test_a_silent_connection_is_closed(protocol: socket.socket) -> None:
    assert receive_all(protocol) == b""


def test_what_is_not_http_is_a_problem(protocol: socket.socket) -> None:
    protocol.sendall(b"\x16\x03\x01 hello\r\n\r\n")
    assert problem_of(receive_all(protocol))["status"] == 400


@pytest.fixture
def gunicorn(root: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """gunicorn under its own settings, over an application that takes its time."""
    (tmp_path / "slow.py").write_text(SLOW_APP)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "-c", root / "gunicorn.conf.py"),
            *("--timeout", "2", "slow:app"),  # for a worker's look at its master, each second
        ],
        cwd=tmp_path,
        env={**os.environ, "PORT": str(port), "PYTHONPATH": str(root), "WEB_CONCURRENCY": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, port
    finally:
        process.terminate()
        process.communicate(timeout=10)


def ask(port: int, query: str = "") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(f"GET /?{query} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
    return client


def answer_of(port: int) -> bytes:
    with ask(port) as client:
        return receive_all(client)


def wait_for_start(process: subprocess.Popen[str]) -> str:
    """Return what is logged until the worker has started."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "Application startup complete" in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


def test_gunicorn_says_where_it_answers(gunicorn: tuple[subprocess.Popen[str], int]) -> None:
    process, port = gunicorn
    assert f"Mirante answers on http://127.0.0.1:{port}\n" in wait_for_start(process)
    head, _, _ = answer_of(port).lower().partition(b"\r\n\r\n")
    assert head.startswith(b"http/1.1 200")
    assert b"\r\nserver:" not in head


def test_a_stop_lets_requests_end(gunicorn: tuple[subprocess.Popen[str], int]) -> None:
    process, port = gunicorn
    wait_for_start(process)
    with ask(port, "1.5") as client:
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert receive_all(client).startswith(b"HTTP/1.1 200")
    assert process.wait(timeout=10) == 0


def test_a_stop_ends_what_would_not_end_by_itself(
    gunicorn: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = gunicorn
    wait_for_start(process)
    with ask(port, "stream") as client:
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert receive_all(client).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - began < 5
    assert process.wait(timeout=10) == 0


def test_metrics_live_in_a_folder_of_this_run(
    gunicorn: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = gunicorn
    wait_for_start(process)
    folder = Path(re.split(rb"\r\n\r\n", answer_of(port))[1].decode())
    assert folder.is_dir()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=10)
    assert not folder.exists()


def test_a_worker_without_a_master_stops(gunicorn: tuple[subprocess.Popen[str], int]) -> None:
    process, port = gunicorn
    wait_for_start(process)
    folder = Path(re.split(rb"\r\n\r\n", answer_of(port))[1].decode())
    process.kill()
    process.communicate(timeout=10)  # ends when the last of its children has closed the pipe
    with pytest.raises(ConnectionRefusedError):
        ask(port)
    folder.rmdir()  # which no master was left to do


class Recorder:
    """A transport that keeps what it is given, a part a write."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.parts.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


def test_a_head_leaves_with_its_body_in_one_write() -> None:
    async def story() -> list[bytes]:
        recorder = Recorder()
        transport = gunicorn_worker.WholeAnswers(recorder, asyncio.get_running_loop())
        transport.write(HEAD)
        transport.write(b"hi")
        await asyncio.sleep(0)
        transport.write(HEAD)
        transport.write(b"ho")
        return recorder.parts

    assert asyncio.run(story()) == [HEAD + b"hi", HEAD + b"ho"]


def test_a_head_without_a_body_leaves_at_the_turns_end_and_before_a_close() -> None:
    async def story() -> tuple[list[bytes], list[bytes], bool]:
        recorder, closing = Recorder(), Recorder()
        loop = asyncio.get_running_loop()
        gunicorn_worker.WholeAnswers(recorder, loop).write(HEAD)
        await asyncio.sleep(0)
        transport = gunicorn_worker.WholeAnswers(closing, loop)
        transport.write(HEAD)
        transport.close()
        return recorder.parts, closing.parts, closing.closed

    assert asyncio.run(story()) == ([HEAD], [HEAD], True)
