"""A small real server to measure: it answers at once, badly, late or not, as the body says."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers 200, or as the body bids: `bad` 500, `hang up` nothing, a number: so many seconds.

    While one request is late, all are: as on an event loop.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    turn = threading.Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"hang up":
            self.close_connection = True
            return
        with self.turn:
            if body.replace(b".", b"").isdigit():
                time.sleep(float(body))
        answer = b"you said: " + body
        # One write: two would wait for the other side's delayed acknowledgement.
        status = 500 if body == b"bad" else 200
        head = f"HTTP/1.1 {status} So\r\nContent-Length: {len(answer)}\r\n\r\n".encode()
        self.wfile.write(head + answer)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A server that many connect to at once."""

    request_queue_size = 128
    daemon_threads = True


@contextmanager
def listening() -> Iterator[int]:
    """Run the server until the block ends; give its port."""
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
