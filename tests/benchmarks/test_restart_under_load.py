from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.restart_under_load import (
    LOST,
    MANNERS,
    STOCK,
    Load,
    Manner,
    Restarted,
    ask_on,
    render,
    under_load,
)
from benchmarks.server import Request
from tests.servers import free_port

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"
ENDS = {
    "answered": HEAD + b"\r\nhi",
    "other status": HEAD.replace(b"200 OK", b"500 Oh") + b"\r\nhi",
    "cut": HEAD + b"\r\nh",
    "closed": b"",
}


@contextmanager
def answering(said: bytes, ended: threading.Event, reset: bool = False) -> Iterator[int]:
    """A server that says one thing on a connection, ends it, and so ends the load; its port."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            # Before the answer: whoever has it must not begin another request.
            ended.set()
            connection.sendall(said)
            if reset:  # by a close that waits for nothing
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def count(said: bytes, reset: bool = False, manner: Manner = MANNERS[0]) -> Counter[str]:
    counted, ended = Counter[str](), threading.Event()
    with answering(said, ended, reset) as port:
        load = Load(port, Request("/", b"{}", {}), ended)
        asyncio.run(asyncio.wait_for(ask_on(load, manner, counted, random.Random(0)), 20))
    return counted


@pytest.mark.parametrize("outcome", ENDS)
def test_what_became_of_a_request_is_counted(outcome: str) -> None:
    assert +count(ENDS[outcome]) == {"sent": 1, outcome: 1}


def test_a_reset_is_no_orderly_end() -> None:
    assert +count(b"", reset=True) == {"sent": 1, "reset": 1}


def test_requests_behind_a_close_are_lost_if_they_came_together_and_cross_if_sent_ahead() -> None:
    last = HEAD + b"connection: close\r\n\r\nhi"
    together = Manner("", 1, depth=3)
    assert +count(last, manner=together) == {"sent": 3, "answered": 1, "closed": 2}
    ahead = Manner("", 1, ahead=True)
    assert +count(last, manner=ahead) == {"sent": 2, "answered": 1, "crossed": 1}


def test_where_nobody_listens_every_client_is_refused_and_nothing_is_lost() -> None:
    load = Load(free_port(), Request("/", b"{}", {}), threading.Event())

    def pause() -> list[float]:
        threading.Event().wait(0.5)
        return [0.5]

    seen = under_load(load, pause)
    assert seen.lost == 0
    assert set(seen.counts) == {*(manner.title for manner in MANNERS), STOCK}
    assert all(counted["refused"] == counted["sent"] > 0 for counted in seen.counts.values())


def test_the_table_shows_what_was_lost() -> None:
    seen = Restarted({"kept": Counter(sent=1200, answered=1196, reset=3, cut=1)}, [0.5, 1.5])
    assert seen.lost == 4
    text = render("HUP", seen)
    assert "| kept | 1,200 | 1,196 | 0 | 0 | 0 | 3 | 1 | 0 | 0 |" in text
    assert "2 times, median 1,000 ms, slowest 1,500 ms." in text
    assert set(LOST) == {"closed", "reset", "cut", "other status"}
