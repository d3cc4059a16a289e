"""The answers of a scored table under ASGI: a part at a time, as fast as the client takes them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from errors import MiranteError
from serving.auth import Guard
from serving.cors import Cors
from serving.exchange import Answer
from serving.http.body import Receive
from serving.observation import Observation
from serving.problems import refuse
from serving.request_ids import RequestIds
from serving.service import complete
from serving.trace_context import trace_of

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ROUTE = "/v0/jobs/<job_id>/result"
_PATH = re.compile(r"/v0/jobs/([0-9A-Za-z_-]{1,64})/result")
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "csv.gz": "application/gzip",
    "jsonl": "application/x-ndjson",
    "jsonl.gz": "application/gzip",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
}


class Results(Protocol):
    """The queue, as this stream needs it."""

    def result(self, job_id: str) -> dict[str, Any]:
        """Return what a scored table came to. Raises JobUnknown, NotFound and Conflict."""
        ...

    def result_part(self, job_id: str, part: int) -> bytes | None:
        """Return a part of a scored table, None behind the last one."""
        ...


def headers_of(job_id: str, found: dict[str, Any]) -> dict[str, str]:
    """Return the headers of a job's answers, beside their media type."""
    name = f'attachment; filename="{job_id}.{found["format"]}"'
    return {"Content-Length": str(found["bytes"]), "Content-Disposition": name}


class ResultStream:
    """Answers with a job's result; `find` is a stream of `AsgiApplication`."""

    def __init__(
        self,
        get_results: Callable[[], Results],
        guard: Guard,
        request_ids: RequestIds,
        cors: Cors,
        observation: Observation,
    ) -> None:
        self._get_results = get_results
        self._guard = guard
        self._request_ids = request_ids
        self._cors = cors
        self._observation = observation

    def find(self, scope: Scope) -> Any:
        """Return this application for a GET of a job's result, else None."""
        return self if scope["method"] == "GET" and _PATH.fullmatch(scope["path"]) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answers part by part; a client that goes away ends it."""
        headers = dict(scope["headers"])
        request_id = self._request_ids.of(headers.get(b"x-request-id"))
        found = _PATH.fullmatch(scope["path"])
        assert found is not None
        try:
            client = scope["client"][0] if scope.get("client") else ""
            self._guard.check(scope["headers"], "train", client)
            result = await asyncio.to_thread(self._result, found[1])
        except MiranteError as error:
            answer = refuse(error, request_id)
            await self._begin(answer, headers, request_id, send, str(error))
            await send({"type": "http.response.body", "body": answer.body})
            return
        more = tuple(
            (n.lower().encode(), v.encode()) for n, v in headers_of(found[1], result).items()
        )
        answer = Answer(200, b"", MEDIA[result["format"]].encode(), more)
        await self._begin(answer, headers, request_id, send)
        await self._send_parts(found[1], receive, send)

    def _result(self, job_id: str) -> dict[str, Any]:
        return self._get_results().result(job_id)

    async def _begin(
        self,
        answer: Answer,
        headers: dict[bytes, bytes],
        request_id: str,
        send: Send,
        detail: str = "",
    ) -> None:
        trace = self._observation.record(
            request_id=request_id,
            method="GET",
            route=ROUTE,
            status=answer.status,
            seconds=0.0,
            detail=detail,
            trace=trace_of(headers),
            headers=headers,
        )
        length = () if answer.status == 200 else ((b"content-length", b"%d" % len(answer.body)),)
        # Parts are sent as they are kept: packing them would change the length that is told.
        plain = {name: value for name, value in headers.items() if name != b"accept-encoding"}
        whole = complete(answer, plain, request_id, self._cors, trace)
        fields = [(b"content-type", answer.content_type), *length, *whole.headers]
        status = int(answer.status)
        await send({"type": "http.response.start", "status": status, "headers": fields})

    async def _send_parts(self, job_id: str, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_disconnected(receive))
        part = 0
        try:
            while not gone.done():
                data = await asyncio.to_thread(self._get_results().result_part, job_id, part)
                if data is None:
                    break
                await send({"type": "http.response.body", "body": data, "more_body": True})
                part += 1
        finally:
            gone.cancel()
        await send({"type": "http.response.body", "body": b""})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
