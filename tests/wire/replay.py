"""Sends the recorded calls to a service and writes its answers, a line of JSON each.

    python -m tests.wire.replay --base http://127.0.0.1:8000 > answers.jsonl

What differs from run to run (times, ids, versions, digests) is replaced by its
kind, so that the answers of two trees over one store can be compared byte for byte.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import socket
import sys
from collections.abc import Iterator, Mapping
from http.client import HTTPException, HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.wire.calls import SERVICES, Call, calls_of

PATIENCE = 60.0  # seconds
# For what is not HTTP a server may wait until the client leaves; that is an answer, too.
RAW_PATIENCE = 6.0
# A longer body is written down as its digest.
LONGEST_BODY = 100_000
# Bodies that tell how busy the service was.
STATUS_ONLY = frozenset({"/metrics"})
# Headers that the server software sends, each time differently.
IGNORED = frozenset({"date", "server"})
VARYING = [
    (re.compile(rb"\d{8}t\d{6}z-[0-9a-f]{6}"), b"<version>"),
    (re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), b"<time>"),
    (re.compile(rb"\b[0-9a-f]{64}\b"), b"<sha256>"),
    (re.compile(rb"\b(?!0{32})[0-9a-f]{32}\b"), b"<job>"),
    (re.compile(rb"\b[0-9a-f]{12}-[0-9a-f]+\b"), b"<id>"),
]


class Answer(NamedTuple):
    """What came back; 0 is a connection closed without an answer, -1 one that is left open."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Client:
    """Sends calls to one service, and remembers what later calls refer to."""

    def __init__(self, base: str) -> None:
        address = urlsplit(base)
        self._address = (address.hostname or "127.0.0.1", address.port or 80)
        self._known: dict[str, str] = {}

    def send(self, call: Call) -> Answer:
        """Make a call on a connection of its own."""
        patience = RAW_PATIENCE if call.raw else PATIENCE
        with socket.create_connection(self._address, timeout=patience) as connection:
            connection.sendall(call.raw or self._written(call))
            response = HTTPResponse(connection, method=call.method)
            try:
                response.begin()
                body = response.read()
            except TimeoutError:
                if not call.raw:
                    raise TimeoutError(f"no answer to {call.method} {call.path}") from None
                return Answer(-1, [], b"")
            except (HTTPException, ConnectionError):
                return Answer(0, [], b"")
        answer = Answer(response.status, response.getheaders(), body)
        self._remember(answer)
        return answer

    def find_versions(self, headers: Mapping[str, str]) -> None:
        """Learn the versions of the models of iris, the champion's first."""
        answer = self.send(Call("GET", "/v2/models/iris", headers))
        champion = json.loads(answer.body)["versions"][0] if answer.status == 200 else "none"
        answer = self.send(Call("GET", "/v0/models/iris/versions", headers))
        listed = json.loads(answer.body)["versions"] if answer.status == 200 else []
        others = [one["version"] for one in listed if one["version"] != champion]
        self._known |= {"{version}": champion, "{other}": (others or ["none"])[0]}

    def _written(self, call: Call) -> bytes:
        path = call.path
        for name, value in self._known.items():
            path = path.replace(name, value)
        headers = {"Host": "wire", **call.headers}
        if call.body or call.method in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(len(call.body))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{call.method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + call.body

    def _remember(self, answer: Answer) -> None:
        location = dict(answer.headers).get("location", dict(answer.headers).get("Location", ""))
        if location.startswith("/v0/jobs/"):
            self._known["{job}"] = location.removeprefix("/v0/jobs/")


def normalised(data: bytes) -> bytes:
    """Replace what differs from run to run by its kind."""
    for pattern, kind in VARYING:
        data = pattern.sub(kind, data)
    return data


def written(call: Call, answer: Answer) -> dict[str, Any]:
    """Return one line of the recording."""
    request = f"{call.method} {call.path}" if not call.raw else repr(call.raw[:200])
    line = {
        "request": normalised(request.encode()).decode(),
        "sent": hashlib.sha256(repr((dict(call.headers), call.body)).encode()).hexdigest()[:12],
        "status": answer.status,
        "headers": sorted(_headers(answer)),
    }
    if call.path in STATUS_ONLY:
        return line | {"headers": []}
    return line | {"body": _body(answer.body)}


def _headers(answer: Answer) -> Iterator[str]:
    for given, value in answer.headers:
        name = given.lower()
        if name == "content-length" and value == str(len(answer.body)):
            value = "<right>"
        if name == "retry-after" and answer.status == 429:
            value = "<seconds>"
        if name in ("etag", "last-modified", "expires"):
            value = f"<{name}>"
        if name in ("allow", "access-control-allow-methods"):
            # Flask lists the methods of OPTIONS in the order of a set.
            value = ", ".join(sorted(value.split(", ")))
        if name not in IGNORED:
            yield f"{name}: {normalised(value.encode('latin-1')).decode('latin-1')}"


def _body(body: bytes) -> Any:
    if len(body) > LONGEST_BODY:
        return {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
    try:
        return normalised(body).decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(normalised(body)).decode()}


def replay(base: str, service: str) -> Iterator[str]:
    """Make a service's calls in their order; yield the recording's lines."""
    client = Client(base)
    keys = [call.headers for call in calls_of(service) if call.path == "/v0/models"]
    client.find_versions(keys[0] if keys else {})
    for index, call in enumerate(calls_of(service)):
        line = {"call": f"{service} {index}", **written(call, client.send(call))}
        yield json.dumps(line, ensure_ascii=False)


def main() -> int:
    """Replay one service's calls and print the answers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", required=True, help="http://host:port of the service")
    parser.add_argument("--service", choices=SERVICES, default="open")
    given = parser.parse_args()
    for line in replay(given.base, given.service):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
