"""Raw bytes, hostile and unusual, against a real gunicorn: what each is answered, in order."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.servers import free_port, listens, wait_until
from tests.service import ROOT, environment

HEAD = b"POST /a HTTP/1.1\r\nHost: a\r\n"
GET = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"
CHUNK = b"\r\n3\r\nabc\r\n0\r\n\r\n"


@dataclass
class Gunicorn:
    """A gunicorn with one worker, and what it wrote."""

    port: int
    log: Path
    master: psutil.Process

    def talk(self, *parts: bytes, pause: float = 0.1) -> bytes:
        """Send parts, each in a packet of its own, and return all until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as client:
            for part in parts:
                client.sendall(part)
                time.sleep(pause)
            with contextlib.suppress(OSError):  # it may be closed already
                client.shutdown(socket.SHUT_WR)
            return receive_all(client)

    def worker(self) -> psutil.Process:
        """Return the web worker."""
        wait_until(lambda: len(self.master.children()) == 1, "the worker")
        (worker,) = self.master.children()
        return worker


def receive_all(client: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def bodies(answer: bytes) -> list[Any]:
    return [json.loads(found) for found in re.findall(rb"\{\"method.*?\}", answer)]


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    folder = tmp_path_factory.mktemp("rim")
    port, log = free_port(), folder / "log"
    settings = {"PORT": str(port), "PYTHONPATH": str(ROOT), "WEB_CONCURRENCY": "1"}
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py")]
    (folder / "models").mkdir()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "tests.rim.echo:app"],
            cwd=ROOT,
            env=environment(folder / "models", **settings),
            stderr=out,
        )
    try:
        wait_until(lambda: listens(port), "gunicorn to listen", 60)
        running = Gunicorn(port, log, psutil.Process(process.pid))
        asked = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        # Its first answer takes longer than a client that half-closes waits.
        wait_until(lambda: running.talk(asked, pause=1.0).startswith(b"HTTP/1.1 200"), "an answer")
        yield running
    finally:
        process.terminate()
        process.wait(timeout=30)
    # No traceback, no warning of a task or a socket: nobody's attack fills the log.
    assert not re.search("Traceback|never retrieved|Errno|ERROR", log.read_text())


REFUSED: dict[str, tuple[bytes, int]] = {
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    "a host with a path": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "a host with a user": (b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    "a host with a space": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "a host with a port of letters": (b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400),
    "a bare LF after the request line": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    "a bare LF after a field": (b"GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n", 400),
    "a bare LF at the end": (b"GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    "a bare CR in a value": (b"GET / HTTP/1.1\r\nHost: a\r\nB: c\rD: e\r\n\r\n", 400),
    "a folded line": (b"GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n d\r\n\r\n", 400),
    "a space before a colon": (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "a space before the first field": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    "NUL in a name": (b"GET / HTTP/1.1\r\nHost: a\r\nB\0: c\r\n\r\n", 400),
    "NUL in a value": (b"GET / HTTP/1.1\r\nHost: a\r\nB: c\0\r\n\r\n", 400),
    "an empty name": (b"GET / HTTP/1.1\r\nHost: a\r\n: c\r\n\r\n", 400),
    "a method in small letters": (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a method of no standard": (b"FOO / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a tab in the target": (b"GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "high bytes in the target": (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "GET *": (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "CONNECT": (b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "a length with a sign": (HEAD + b"Content-Length: +3\r\n\r\nabc", 400),
    "a length below nothing": (HEAD + b"Content-Length: -1\r\n\r\n", 400),
    "a length in hex": (HEAD + b"Content-Length: 0x3\r\n\r\nabc", 400),
    "an empty length": (HEAD + b"Content-Length: \r\n\r\n", 400),
    "a list of lengths": (HEAD + b"Content-Length: 3, 3\r\n\r\nabc", 400),
    "two lengths": (HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "a length over 2^64": (HEAD + b"Content-Length: 18446744073709551617\r\n\r\n", 400),
    "five thousand zeros": (HEAD + b"Content-Length: " + b"0" * 5000 + b"3\r\n\r\nabc", 400),
    "a length and chunks": (CHUNKED + b"Content-Length: 3\r\n" + CHUNK, 400),
    "chunks and a length": (
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n" + CHUNK,
        400,
    ),
    "gzip and chunks": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n" + CHUNK, 501),
    "chunks and gzip": (HEAD + b"Transfer-Encoding: chunked, gzip\r\n" + CHUNK, 400),
    "gzip alone": (HEAD + b"Transfer-Encoding: gzip\r\n" + CHUNK, 400),
    "chunks twice": (CHUNKED + b"Transfer-Encoding: chunked\r\n" + CHUNK, 400),
    "almost chunks": (HEAD + b"Transfer-Encoding: xchunked\r\n" + CHUNK, 501),
    "chunks behind a VT": (HEAD + b"Transfer-Encoding:\x0bchunked\r\n" + CHUNK, 400),
    "chunks in HTTP/1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" + CHUNK, 400),
    "a chunk of no size": (CHUNKED + b"\r\nzz\r\n", 400),
    "a chunk of a size with a sign": (CHUNKED + b"\r\n-3\r\nabc\r\n0\r\n\r\n", 400),
    "a chunk of 0x3": (CHUNKED + b"\r\n0x3\r\nabc\r\n0\r\n\r\n", 400),
    "a chunk of 1_0": (CHUNKED + b"\r\n1_0\r\nabc\r\n0\r\n\r\n", 400),
    "a chunk over 2^64": (CHUNKED + b"\r\n" + b"f" * 17 + b"\r\n", 400),
    "a chunk longer than it says": (CHUNKED + b"\r\n3\r\nabcd\r\n0\r\n\r\n", 400),
    "chunks with bare LF": (CHUNKED + b"\r\n3\nabc\n0\n\n", 400),
    "an extension with a bare LF": (CHUNKED + b"\r\n3;a\nabc\r\n0\r\n\r\n", 400),
    "a bad trailer": (CHUNKED + b"\r\n0\r\nA : b\r\n\r\n", 400),
    "a head of 70 kB in one piece": (HEAD + b"A: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "a target of 70 kB": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
    "two hundred fields": (HEAD + b"A: b\r\n" * 200 + b"\r\n", 431),
    "two hundred trailers": (CHUNKED + b"\r\n0\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(gunicorn: Gunicorn, name: str) -> None:
    sent, status = REFUSED[name]
    # A request that comes behind it is never answered: its beginning cannot be trusted.
    answer = gunicorn.talk(sent + GET)
    assert statuses(answer) == [status], answer
    assert b"connection: close\r\n" in answer
    assert b"application/problem+json" in answer


@pytest.mark.parametrize("name", ["a chunk of no size", "no host", "a chunk longer than it says"])
def test_what_is_refused_is_so_in_its_turn(gunicorn: Gunicorn, name: str) -> None:
    sent, status = REFUSED[name]
    assert statuses(gunicorn.talk(GET + GET + sent)) == [200, 200, status]
    assert statuses(gunicorn.talk(GET, *(bytes([one]) for one in sent), pause=0.002)) == [
        200,
        status,
    ]


UPGRADE = HEAD + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n"

ANSWERED: dict[str, tuple[bytes, list[int]]] = {
    "no body": (HEAD + b"\r\n", [0]),
    "a length": (HEAD + b"Content-Length: 3\r\n\r\nabc", [3]),
    "a length with a zero": (HEAD + b"Content-Length: 03\r\n\r\nabc", [3]),
    "chunks": (CHUNKED + CHUNK, [3]),
    "CHUNKED": (HEAD + b"Transfer-Encoding: CHUNKED\r\n" + CHUNK, [3]),
    "an extension": (CHUNKED + b"\r\n3;a=b\r\nabc\r\n0\r\n\r\n", [3]),
    "an empty line before": (b"\r\n\r\n" + HEAD + b"\r\n", [0]),
    "an absolute target": (b"GET http://b/c?1 HTTP/1.1\r\nHost: b\r\n\r\n", [0]),
    "a target without a path": (b"GET http://b HTTP/1.1\r\nHost: b\r\n\r\n", [0]),
    "a host with a port": (b"GET / HTTP/1.1\r\nHost: a.b:80\r\n\r\n", [0]),
    "an IPv6 host": (b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", [0]),
    "OPTIONS *": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", [0]),
    "an upgrade": (UPGRADE + b"\r\n", [0]),
    "an upgrade with a length": (UPGRADE + b"Content-Length: 31\r\n\r\n" + GET, [31]),
    "an upgrade with chunks": (UPGRADE + b"Transfer-Encoding: chunked\r\n" + CHUNK, [3]),
    "a websocket": (
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        [0],
    ),
    "two upgrades": (UPGRADE + b"Content-Length: 3\r\n\r\nabc" + UPGRADE + b"\r\n", [3, 0]),
    "pipelined": (HEAD + b"Content-Length: 3\r\n\r\nabc" + CHUNKED + CHUNK + GET, [3, 3, 0]),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_what_is_answered(gunicorn: Gunicorn, name: str) -> None:
    sent, sizes = ANSWERED[name]
    for parts in ([sent + GET], [sent, GET], [sent[:-1], sent[-1:] + GET]):
        answer = gunicorn.talk(*parts)
        assert [seen["size"] for seen in bodies(answer)] == [*sizes, 0]
        assert bodies(answer)[-1]["path"] == "/next"
        assert answer.count(b"\r\ndate: ") == len(sizes) + 1


def test_a_request_after_a_connection_that_closes_is_not_answered(gunicorn: Gunicorn) -> None:
    close = HEAD + b"Connection: close\r\n\r\n"
    assert statuses(gunicorn.talk(close + GET)) == [200]
    upgrade = UPGRADE.replace(b"Upgrade, HTTP2", b"close, Upgrade, HTTP2")
    assert statuses(gunicorn.talk(upgrade + b"\r\n" + GET)) == [200]


def test_trailers_are_dropped(gunicorn: Gunicorn) -> None:
    trailer = b"\r\n3\r\nabc\r\n0\r\nContent-Type: a\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n"
    answer = gunicorn.talk(CHUNKED + trailer + GET)
    assert [seen["headers"] for seen in bodies(answer)] == [["host", "transfer-encoding"], ["host"]]


LINES = [b"X-A: " + b"a" * 995 + b"\r\n", b"a" * 1000, b"A: b\r\n" * 100]


@pytest.mark.parametrize("line", LINES, ids=["long fields", "one field", "short fields"])
def test_endless_trailers_end_and_take_no_memory(gunicorn: Gunicorn, line: bytes) -> None:
    worker = gunicorn.worker()
    before, read = worker.memory_info().rss, worker.io_counters().read_chars
    sent = 0
    with socket.create_connection(("127.0.0.1", gunicorn.port), timeout=20) as client:
        client.sendall(CHUNKED + b"\r\n3\r\nabc\r\n0\r\nX-B: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(2000):
                client.sendall(line * 100)
                sent += len(line) * 100
        with contextlib.suppress(ConnectionError):
            assert statuses(receive_all(client)) in ([431], [])
    assert sent < 20e6  # what the kernel's buffers hold, of 100 MB and more
    assert worker.io_counters().read_chars - read < 1e6
    assert worker.memory_info().rss - before < 20e6


@pytest.mark.parametrize("count", [32, 33])
def test_trailers_are_bounded_by_number(gunicorn: Gunicorn, count: int) -> None:
    answer = gunicorn.talk(CHUNKED + b"\r\n0\r\n" + b"A: b\r\n" * count + b"\r\n")
    assert statuses(answer) == [200 if count == 32 else 431]


def test_an_endless_extension_is_refused(gunicorn: Gunicorn) -> None:
    assert statuses(gunicorn.talk(CHUNKED + b"\r\n3;a=", *[b"a" * 40_000] * 3)) == [431]


def test_http_1_0_is_kept_alive_when_asked_and_gets_no_chunks(gunicorn: Gunicorn) -> None:
    old = b"GET /%s HTTP/1.0\r\n%s\r\n"
    kept = old % (b"a", b"Connection: keep-alive\r\n")
    answer = gunicorn.talk(kept + kept + old % (b"b", b"") + kept)
    assert statuses(answer) == [200, 200, 200]
    assert answer.count(b"connection: keep-alive") == 2
    answer = gunicorn.talk(old % (b"stream", b"Connection: keep-alive\r\n") + kept)
    assert b"chunked" not in answer
    assert answer.endswith(b"}")
    assert b"connection: close" in answer


def test_head_has_no_body_and_permission_to_send_is_given_once(gunicorn: Gunicorn) -> None:
    answer = gunicorn.talk(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert statuses(answer) == [200]
    assert answer.endswith(b"\r\n\r\n")
    waiting = HEAD + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    assert statuses(gunicorn.talk(waiting, b"abc")) == [100, 200]


def test_an_early_answer_reaches_a_client_that_sends_everything_first(gunicorn: Gunicorn) -> None:
    head = b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", gunicorn.port), timeout=20) as client:
        client.sendall(head)
        for _ in range(300):
            client.sendall(b"a" * 100_000)
        answer = receive_all(client)
    assert statuses(answer) == [200]
    assert answer.count(b"connection: close") == 1


def _within(worker: psutil.Process, most: float) -> bool:
    return worker.memory_info().rss < most


def test_answers_that_nobody_reads_are_bounded_together(gunicorn: Gunicorn) -> None:
    worker = gunicorn.worker()
    before = worker.memory_info().rss
    clients = [socket.create_connection(("127.0.0.1", gunicorn.port)) for _ in range(40)]
    try:
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(b"GET /?10000000 HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
        # What is held: for a moment, while answers are made and given up, it may be more.
        held = partial(_within, worker, before + 200e6)
        wait_until(held, "answers that nobody reads to be given up", patience=20)
        assert statuses(gunicorn.talk(GET)) == [200]
    finally:
        for client in clients:
            client.close()
