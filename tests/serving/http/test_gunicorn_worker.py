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
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn

from benchmarks.restart_under_load import LOST, MANNERS, Load, hang_up, under_load
from benchmarks.server import Request
from serving.http import gunicorn_worker
from tests.servers import free_port, listens, wait_until

Orderly = tuple[uvicorn.Server, socket.socket]

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


async def take_time(scope: Any, receive: Any, send: Any) -> None:
    """Answer after as many seconds as the query says; a stream begins at once and ends then."""
    start = {"type": "http.response.start", "status": 200, "headers": [(b"x-is", b"whole")]}
    if scope["path"] == "/stream":
        await send(start)
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await scope["state"]["stopping"].wait()
    else:
        if scope["query_string"]:
            await asyncio.sleep(float(scope["query_string"]))
        await send(start)
    await send({"type": "http.response.body", "body": b"done"})


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


@pytest.fixture
def orderly(monkeypatch: pytest.MonkeyPatch) -> Iterator[Orderly]:
    """A server that stops in order, however slow this machine is, and a connection to it."""
    monkeypatch.setattr(gunicorn_worker, "GRACE_SECONDS", 10)
    config = uvicorn.Config(
        take_time,
        http=gunicorn_worker.LimitedHttpProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_keep_alive=20,
    )
    server = gunicorn_worker.OrderlyServer(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with socket.create_connection(listener.getsockname(), timeout=10) as client:
                yield server, client
        finally:
            server.should_exit = True
            thread.join()


def stop(server: uvicorn.Server) -> None:
    """Begin to stop, and return when every connection knows."""
    server.should_exit = True
    wait_until(lambda: all_linger(server), "the connections to take leave", 10)


def all_linger(server: uvicorn.Server) -> bool:
    connections: Any = list(server.server_state.connections)
    return bool(connections) and all(c.transport.lingers for c in connections)


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: a\r\n\r\n".encode()


def receive_until(client: socket.socket, end: bytes) -> bytes:
    got = b""
    while not got.endswith(end):
        part = client.recv(65536)
        assert part, got
        got += part
    return got


WHOLE = b"done\r\n0\r\n\r\n"
CLOSE = b"connection: close\r\n"


def test_an_idle_connection_gets_one_more_answer_which_says_close(orderly: Orderly) -> None:
    server, client = orderly
    client.sendall(get("/"))
    assert CLOSE not in receive_until(client, WHOLE)
    stop(server)
    client.sendall(get("/"))
    answer = receive_all(client)
    assert answer.endswith(WHOLE)
    assert answer.count(CLOSE) == 1


def test_an_answer_under_way_says_close(orderly: Orderly) -> None:
    server, client = orderly
    client.sendall(get("/?1"))
    wait_until(lambda: bool(server.server_state.tasks), "the request", 10)
    stop(server)
    answer = receive_all(client)
    assert answer.endswith(WHOLE)
    assert answer.count(CLOSE) == 1


def test_a_connection_made_while_the_server_stops_is_answered(orderly: Orderly) -> None:
    server, client = orderly
    address = client.getpeername()
    client.sendall(get("/"))
    receive_until(client, WHOLE)
    stop(server)
    with socket.create_connection(address, timeout=10) as late:
        late.sendall(get("/"))
        assert CLOSE in receive_all(late)


def test_the_last_of_all_answers_says_close(
    orderly: Orderly,
) -> None:
    server, client = orderly
    client.sendall(get("/?2") + get("/"))
    wait_until(lambda: bool(server.server_state.tasks), "the request", 10)
    stop(server)
    for _ in range(30):  # uvicorn reads none of these while it answers the first one
        client.sendall(get("/"))
    answers = receive_all(client)
    assert answers.count(WHOLE) == 32
    assert answers.count(CLOSE) == 1
    assert CLOSE in answers.rpartition(b"HTTP/1.1 200")[2]


def test_after_an_ended_stream_its_connection_gets_one_more_answer(
    orderly: Orderly,
) -> None:
    server, client = orderly
    client.sendall(get("/stream"))
    receive_until(client, b"begun\r\n")
    stop(server)
    receive_until(client, WHOLE)
    client.sendall(get("/"))
    assert CLOSE in receive_all(client)


def test_an_idle_connection_is_closed_in_two_steps(
    orderly: Orderly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gunicorn_worker, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(gunicorn_worker, "LINGER_SECONDS", 5)
    server, client = orderly
    client.sendall(get("/"))
    receive_until(client, WHOLE)
    server.should_exit = True
    assert client.recv(65536) == b""
    for _ in range(3):  # what crosses the end is read: no reset comes back
        client.sendall(get("/"))
        time.sleep(0.05)
    assert client.recv(65536) == b""
    client.shutdown(socket.SHUT_WR)
    wait_until(lambda: not server.server_state.connections, "the end", 4)


def test_nobody_holds_a_stop_by_not_closing(
    orderly: Orderly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gunicorn_worker, "GRACE_SECONDS", 0.1)
    server, client = orderly
    client.sendall(get("/"))
    receive_until(client, WHOLE)
    server.should_exit = True
    wait_until(lambda: not server.server_state.connections, "the end", 10)


def test_what_is_sent_after_a_refusal_meets_no_reset(
    protocol: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gunicorn_worker, "LINGER_SECONDS", 10)
    protocol.sendall(GOOD[:-2] + b"x-endless: " + b"a" * 100_000)
    time.sleep(0.2)
    for _ in range(20):
        protocol.sendall(b"a" * 10_000)
    assert problem_of(receive_all(protocol))["status"] == 431


@pytest.mark.skipif(sys.platform != "linux", reason="sockets are filtered by Linux")
def test_newcomers_are_turned_away_and_who_came_before_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address) as early:
            gunicorn_worker.turn_newcomers_away(listener)
            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.3)
            accepted, _ = listener.accept()
            with accepted:
                early.sendall(b"hi")
                assert accepted.recv(2) == b"hi"


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


@contextmanager
def restartable(root: Path, folder: Path, *arguments: str) -> Iterator[int]:
    """gunicorn with two workers over the slow application, ended by SIGTERM; yields its process."""
    (folder / "slow.py").write_text(SLOW_APP)
    port = int(arguments[0])
    command = (sys.executable, "-m", "gunicorn", "-c", str(root / "gunicorn.conf.py"))
    environ = {"PORT": str(port), "PYTHONPATH": str(root), "WEB_CONCURRENCY": "2"}
    process = subprocess.Popen(
        [*command, *arguments[1:], "slow:app"],
        cwd=folder,
        env={**os.environ, **environ, "TRAINING_WORKER": "external"},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: listens(port), "gunicorn to listen", 60)
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_restarts_under_load_lose_nothing(root: Path, tmp_path: Path) -> None:
    port = free_port()
    load = Load(port, Request("/", b"{}", {}), threading.Event())

    def restarts() -> list[float]:
        with restartable(root, tmp_path, str(port)) as master:
            seconds = hang_up(master, 3)
        with restartable(root, tmp_path, str(port)):
            time.sleep(1)
        return seconds

    seen = under_load(load, restarts)
    lost = {name: [counted[outcome] for outcome in LOST] for name, counted in seen.counts.items()}
    assert seen.lost == 0, lost
    assert all(counted["answered"] for counted in seen.counts.values())
    assert not any(seen.counts[manner.title]["reset after close"] for manner in MANNERS)


def test_restarts_over_tls_lose_nothing(root: Path, tmp_path: Path) -> None:
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    make = (sys.executable, root / "bin/make_certificate", "--cert", certificate, "--key", key)
    subprocess.run(make, check=True, capture_output=True)
    port, ended, seen = free_port(), threading.Event(), Counter[str]()
    url = f"https://localhost:{port}/"

    def ask_all_the_time(headers: dict[str, str]) -> None:
        with requests.Session() as session:
            while not ended.wait(0.005):
                try:
                    answer = session.get(url, headers=headers, verify=str(certificate), timeout=20)
                    seen[str(answer.status_code)] += 1
                except requests.ConnectionError as error:
                    seen["refused" if "Connection refused" in str(error) else str(error)] += 1

    clients = [
        threading.Thread(target=ask_all_the_time, args=(headers,))
        for headers in ({"Connection": "close"}, {"Connection": "close"}, {}, {})
    ]
    for client in clients:
        client.start()
    try:
        tls = ("--certfile", str(certificate), "--keyfile", str(key))
        with restartable(root, tmp_path, str(port), *tls) as master:
            hang_up(master, 2)
    finally:
        ended.set()
        for client in clients:
            client.join()
    assert seen["200"]
    assert set(seen) <= {"200", "refused"}, seen


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_connection_does_not_hold_a_stop(
    gunicorn: tuple[subprocess.Popen[str], int], sent: signal.Signals
) -> None:
    process, port = gunicorn
    wait_for_start(process)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(GOOD)
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        process.send_signal(sent)
        assert process.wait(timeout=10) == 0  # gunicorn's graceful_timeout is 20


def test_a_service_that_stops_takes_nobody_whom_it_could_lose(
    gunicorn: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = gunicorn
    wait_for_start(process)
    with ask(port, "3"):
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.4)
        with pytest.raises((TimeoutError, ConnectionRefusedError)):
            socket.create_connection(("127.0.0.1", port), timeout=0.2)


def test_who_asks_twice_for_a_stop_gets_it_at_once(
    gunicorn: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = gunicorn
    wait_for_start(process)
    with ask(port, "60"):
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
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
