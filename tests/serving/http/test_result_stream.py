from __future__ import annotations

import asyncio
from typing import Any

import pytest

from errors import NotFound
from serving.auth import Guard, KeyRing, new_key
from serving.cors import Cors
from serving.http.result_stream import ResultStream, headers_of
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds

TOKEN, KEY = new_key("trainer", ["train"])
JOB = "a" * 32


class Kept:
    """A job's answers, in three parts, and how many were asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def result(self, job_id: str) -> dict[str, Any]:
        if job_id != JOB:
            raise NotFound("there is no such job")
        return {"format": "csv", "bytes": 6}

    def result_part(self, job_id: str, part: int) -> bytes | None:
        self.asked += 1
        return (b"ab", b"cd", b"ef", None)[part]


def get(kept: Kept, path: str, token: str = TOKEN, gone: bool = False) -> list[dict[str, Any]]:
    guard = Guard(KeyRing([KEY.entry()]))
    observation = Observation(Metrics(), 0.0)
    stream = ResultStream(lambda: kept, guard, RequestIds(), Cors(("*",)), observation)
    headers = [(b"authorization", b"Bearer " + token.encode()), (b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "client": None}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not gone:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    assert stream.find({**scope, "method": "POST"}) is None
    assert stream.find({**scope, "path": "/v0/jobs/x"}) is None
    found = stream.find(scope)
    asyncio.run(found(scope, receive, send))
    return sent


def test_answers_are_sent_part_by_part_and_not_packed():
    start, *parts = get(Kept(), f"/v0/jobs/{JOB}/result")
    assert start["status"] == 200
    headers = dict(start["headers"])
    assert headers[b"content-length"] == b"6"
    assert b"content-encoding" not in headers
    assert b"x-request-id" in headers
    assert [part["body"] for part in parts] == [b"ab", b"cd", b"ef", b""]
    assert not parts[-1].get("more_body")


def test_a_client_that_is_gone_is_sent_no_more():
    kept = Kept()
    get(kept, f"/v0/jobs/{JOB}/result", gone=True)
    assert kept.asked < 4


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [(f"/v0/jobs/{JOB}/result", "wrong", 401), (f"/v0/jobs/{'b' * 32}/result", TOKEN, 404)],
    ids=["a wrong key", "no such job"],
)
def test_what_is_refused_is_a_problem(path, token, status):
    start, body = get(Kept(), path, token)
    assert start["status"] == status
    assert b'"status":%d' % status in body["body"]


def test_a_file_has_the_name_of_its_job():
    found = headers_of(JOB, {"format": "csv.gz", "bytes": 3})
    assert found["Content-Disposition"] == f'attachment; filename="{JOB}.csv.gz"'
