"""What a connection does by itself; tests/rim asks a real gunicorn for what it answers."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
import uvicorn

from serving.http import strict_http
from serving.http.gunicorn_worker import LimitedHttpProtocol

BIG = b" " * 8_000_000


async def big(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-length", str(len(BIG)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BIG})


async def ended(client: socket.socket, server: Any) -> bool:
    """Say whether the server ends a connection within ten seconds."""
    for _ in range(1000):
        await asyncio.sleep(0.01)
        if not server.server_state.connections:
            return True
    return False


async def left_unread(clients: int) -> Any:
    """Have clients ask and not read; return the server's state once all have asked."""
    config = uvicorn.Config(big, http=LimitedHttpProtocol, lifespan="off", log_config=None)
    server: Any = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        asking = [socket.socket() for _ in range(clients)]
        for client in asking:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await asyncio.to_thread(client.connect, listener.getsockname())
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        gone = await ended(asking[0], server)
        for client in asking:
            client.close()
        server.should_exit = True
        await serving
    return gone


def test_an_answer_that_is_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_http, "UNREAD_SECONDS", 0.3)
    assert asyncio.run(left_unread(2))


def test_unread_answers_are_given_up_beyond_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_http, "MAX_UNREAD_BYTES", 100_000)
    assert asyncio.run(left_unread(2))


def test_the_bounds() -> None:
    assert strict_http.UNREAD_SECONDS == 30
    assert strict_http.MAX_UNREAD_BYTES == 32 * 1024 * 1024
