"""What gunicorn serves in these tests: says what it understood of a request, as JSON."""

from __future__ import annotations

import json
from typing import Any


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the method, the target, the names of the headers and the body's length."""
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    # A body that is not read: as of a refusal.
    size, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "headers": sorted({name.decode("latin-1") for name, _ in scope["headers"]}),
        "size": size,
    }
    # As many bytes as the query says are put after it: for clients that do not read.
    body = json.dumps(seen).encode() + b" " * int(scope["query_string"] or b"0")
    headers = [(b"content-type", b"application/json"), (b"date", b"another")]
    if scope["path"] != "/stream":
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def live(receive: Any, send: Any) -> None:
    """Follow the worker's life."""
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
