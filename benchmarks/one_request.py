"""One-row requests through the worker's own protocol, in one process and without a network.

`valgrind --tool=callgrind --instr-atstart=no python one_request.py REQUESTS TOGETHER BODIES`, in
the folder of a tree, counts the instructions of its code. Bytes go in where the kernel's would and
answers come out where they would be written: neither kernel nor a busy machine has a part in it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

import uvloop
from uvicorn.config import Config
from uvicorn.server import ServerState

sys.path.insert(0, os.getcwd())

WARM = 50
HEAD = (
    "POST /v0/predict HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"
    "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n"
)


class Transport:
    """The other side of a connection: it counts the answers, each of which is written at once."""

    answered = 0
    wanted = 0
    all_here: asyncio.Future[None]

    def write(self, data: bytes) -> None:
        """Take an answer. Raises RuntimeError for one that is none."""
        if not data.startswith(b"HTTP/1.1 200 ") or b'"prediction"' not in data:
            raise RuntimeError(f"not an answer: {data!r}")
        Transport.answered += 1
        if Transport.answered == Transport.wanted:
            self.all_here.set_result(None)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what a connection from this machine has."""
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 8000)}.get(name, default)

    def is_closing(self) -> bool:
        """Stay open."""
        return False


async def ask(application: Any, requests: int, together: int, bodies: list[bytes]) -> None:
    """Send so many requests, as many of them at the same time over connections of their own."""
    from serving.http.gunicorn_worker import LimitedHttpProtocol

    config = Config(
        application, lifespan="off", access_log=False, server_header=False, timeout_keep_alive=95
    )
    state, loop = ServerState(), asyncio.get_running_loop()
    connections = [LimitedHttpProtocol(config, state, {}, _loop=loop) for _ in range(together)]
    for connection in connections:
        connection.connection_made(Transport())  # type: ignore[arg-type]
    turn = cycle([HEAD.format(len(body)).encode() + body for body in bodies])

    async def rounds(count: int) -> None:
        for _ in range(count):
            Transport.answered, Transport.wanted = 0, together
            Transport.all_here = loop.create_future()
            for connection in connections:
                connection.data_received(next(turn))
            await Transport.all_here
            await asyncio.sleep(0)

    await rounds(WARM)
    count("on")
    await rounds(requests // together)
    count("off")


def count(switch: str) -> None:
    """Let callgrind begin or end to count."""
    command = ["callgrind_control", "--instr=" + switch, str(os.getpid())]
    subprocess.run(command, check=True, capture_output=True)


def main() -> None:
    """Load the model, and ask."""
    from app import create_asgi
    from config import read_config

    requests, together, bodies = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    application = create_asgi(read_config(os.environ))
    application._service.champions.refresh()
    uvloop.run(ask(application, requests, together, bodies.read_bytes().splitlines()))


if __name__ == "__main__":
    main()
