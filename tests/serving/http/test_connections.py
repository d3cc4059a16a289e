"""Connections make room: who waits for whom, and that nobody who is worked for is closed."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
import uvicorn

from serving.http import connections
from serving.http.gunicorn_worker import LimitedHttpProtocol

MOST = 4
GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
BODY = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\na"


async def answer_at_last(scope: Any, receive: Any, send: Any) -> None:
    """Read the body, wait until the test lets go where it says so, and answer."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
    if scope["path"] == "/slow":
        await receive()  # until the client goes
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
    )
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """A server that holds four connections, and lets one go at a time."""
    monkeypatch.setattr(connections, "AT_ONCE", 0)
    config = uvicorn.Config(
        answer_at_last,
        http=partial(LimitedHttpProtocol, most_connections=MOST),  # type: ignore[arg-type]
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()
        server.should_exit = True
        thread.join()


@pytest.fixture
def stack(address: tuple[str, int]) -> Iterator[ExitStack]:  # closed before the server
    with ExitStack() as opened:
        yield opened


def connect(stack: ExitStack, address: tuple[str, int], sent: bytes) -> socket.socket:
    """Connect and send, a moment after whoever came before."""
    client = stack.enter_context(socket.create_connection(address, timeout=10))
    client.sendall(sent)
    if sent == GET:
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
    time.sleep(0.05)
    return client


def is_answered(client: socket.socket) -> bool:
    client.sendall(GET)
    return client.recv(1000).startswith(b"HTTP/1.1 200")


def test_the_one_that_was_silent_longest_is_closed(
    stack: ExitStack, address: tuple[str, int]
) -> None:
    oldest, second, *others = [connect(stack, address, GET) for _ in range(MOST)]
    assert is_answered(oldest)  # so the second has been silent longer
    newest = connect(stack, address, GET)
    assert second.recv(1000) == b""
    assert all(is_answered(client) for client in (oldest, *others, newest))


@pytest.mark.parametrize("sent", [GET[:-2], BODY], ids=["a head", "a body"])
def test_what_has_begun_to_ask_is_told_to_come_again(
    stack: ExitStack, address: tuple[str, int], sent: bytes
) -> None:
    first = connect(stack, address, sent)
    for _ in range(MOST):
        connect(stack, address, GET)
    answer = first.recv(1000)
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1\r\n" in answer


def test_a_request_that_is_worked_on_is_never_closed(
    stack: ExitStack, address: tuple[str, int]
) -> None:
    slow = GET.replace(b"/ ", b"/slow ", 1)
    working = [connect(stack, address, slow) for _ in range(MOST + 1)]
    assert is_answered(connect(stack, address, GET))
    for client in working:
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_how_many_make_room_at_once() -> None:
    assert connections.AT_ONCE == 16
