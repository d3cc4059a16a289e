"""Rows of any number in one request, answered as they come: `?stream=1` on v0's routes.

A body of CSV or JSON Lines is cut where rows end. Each block is a request of its own to the
prediction service, in a thread; the next is read when its answer is sent. So memory is that of a
block, and whoever reads slowly is written to slowly. What is wrong stands in the answer, at its
row.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import msgspec

from errors import MiranteError, Overloaded
from serving import media
from serving.cors import Cors
from serving.exchange import Answer, Exchange
from serving.http.body import Disconnected, Receive
from serving.http.row_blocks import RowBlocks
from serving.problems import FAULT
from serving.refusals import BodyTimeout, MediaTypeError
from serving.service import PredictionService, complete
from tables.json_text import check_row

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_ASKED = re.compile(rb"(?:^|&)stream=(?:1|true)(?:&|$)")
_ROUTES = ("/v0/predict", "/v0/models/{name}/predict")
# A block takes some ten milliseconds of a thread: one-row predictions go between them.
BLOCK = 64 * 1024
MOST_STREAMS = 16
RETRY_AFTER = 5


class StreamedRows:
    """Answers streams of rows; `find` is a stream of `AsgiApplication`."""

    def __init__(self, service: PredictionService, body_timeout: float, cors: Cors) -> None:
        self._service = service
        self._timeout = body_timeout
        self._cors = cors
        self._open = 0

    def find(self, scope: Scope) -> Any:
        """Return this application for a request that asks to be answered as it comes."""
        if scope["method"] != "POST" or not _ASKED.search(scope.get("query_string", b"")):
            return None
        found = self._service.match("POST", scope["path"])
        return self if found is not None and found[0].pattern in _ROUTES else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        found = self._service.match("POST", scope["path"])
        assert found is not None
        headers = dict(scope["headers"])
        client = scope["client"][0] if scope.get("client") else ""
        query = scope.get("query_string", b"") + b"&partial=1"
        exchange = self._service.begin(found[0], headers, query, client, **found[1])
        try:
            stream = self._admitted(exchange)
        except MiranteError as error:
            await _send_whole(self._service.refuse(exchange, error), send)
            return
        self._open += 1
        try:
            await self._answer(stream, receive, send)
        except Disconnected:
            return
        finally:
            self._open -= 1

    def _admitted(self, exchange: Exchange) -> _Stream:
        """Return the stream of a request that may be answered. Raises MiranteError."""
        self._service.admit(exchange, streamed=True)
        read, written = media.readable(exchange), media.writable(exchange, _WRITABLE)
        if read not in (media.CSV, media.JSON_LINES):
            raise MediaTypeError(f"stream: expected Content-Type {media.CSV} or {media.JSON_LINES}")
        if exchange.headers.get(b"content-encoding", b"identity") != b"identity":
            raise MediaTypeError("stream: expected no Content-Encoding")
        if self._open >= MOST_STREAMS:
            raise Overloaded(f"more than {MOST_STREAMS} streams at once", RETRY_AFTER)
        return _Stream(self._service, exchange, read == media.CSV, written == media.CSV)

    async def _answer(self, stream: _Stream, receive: Receive, send: Send) -> None:
        """Send the answers of each block; what cannot be read at the start is refused whole."""
        kind = b"text/csv; charset=utf-8" if stream.writes_csv else b"application/x-ndjson"
        begun = False
        try:
            async for block in stream.blocks(self._parts(receive)):
                body = await asyncio.to_thread(stream.answered, block)
                if not begun:
                    await send(self._start(stream.exchange, kind))
                    begun = True
                await send({"type": "http.response.body", "body": body, "more_body": True})
        except MiranteError as error:
            if not begun:
                await _send_whole(self._service.refuse(stream.exchange, error), send)
                return
            body = stream.fault(error)
            await send({"type": "http.response.body", "body": body, "more_body": True})
        if not begun:
            await send(self._start(stream.exchange, kind))
        await send({"type": "http.response.body", "body": b""})

    def _start(self, exchange: Exchange, kind: bytes) -> dict[str, Any]:
        streamed = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
        answer = Answer(200, b"", kind, streamed)
        whole = complete(answer, _plain(exchange), exchange.request_id, self._cors)
        headers = [(b"content-type", kind), *whole.headers]
        return {"type": "http.response.start", "status": 200, "headers": headers}

    async def _parts(self, receive: Receive) -> AsyncIterator[bytes]:
        """Yield the body as it comes. Raises BodyTimeout when it stays away, and Disconnected."""
        more = True
        while more:
            try:
                async with asyncio.timeout(self._timeout):
                    message = await receive()
            except TimeoutError:
                raise BodyTimeout(f"nothing more came in {self._timeout:g} s") from None
            if message["type"] == "http.disconnect":
                raise Disconnected
            more = message.get("more_body", False)
            yield message.get("body", b"")


# What a client gets that says nothing, such as curl: a line of JSON for each row.
_WRITABLE = {**media.WRITABLE_LINES, "*/*": media.JSON_LINES, "text/csv": media.CSV}
_WRITABLE |= {"application/json": media.JSON_LINES, "application/*": media.JSON_LINES}


class _Stream:
    """One request's rows: cut into blocks, and each block's answers as lines."""

    def __init__(
        self, service: PredictionService, exchange: Exchange, reads_csv: bool, writes_csv: bool
    ) -> None:
        self.exchange, self.writes_csv = exchange, writes_csv
        self._service, self._reads_csv = service, reads_csv
        self._headers = {**_plain(exchange), b"accept": b"application/json"}
        self._header = b""
        self._rows = 0
        self._begun = False

    async def blocks(self, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield whole rows, of CSV each time under the header. Raises MiranteError."""
        rows = RowBlocks(BLOCK, quoted=self._reads_csv)
        async for part in parts:
            rows.add(part)
            while block := rows.take():
                yield self._under_header(block)
            check_row(len(rows) if len(rows) > 2 * BLOCK else 0)
        if (rest := rows.rest()).strip():
            yield self._under_header(rest)

    def _under_header(self, block: bytes) -> bytes:
        if not self._reads_csv:
            return block
        if not self._header:
            end = block.find(b"\n") + 1
            self._header = block[:end] if end else block
            return block
        return self._header + block

    def answered(self, block: bytes) -> bytes:
        """Return the answers of a block as lines. Raises MiranteError for one that is no table."""
        one = self._service.begin(
            self.exchange.route,
            self._headers,
            self.exchange.query,
            self.exchange.client,
            self.exchange.name,
        )
        one.live, one.body = self.exchange.live, block
        answer = self._service.answer(one)
        if one.error is not None:
            problems = getattr(one.error, "problems", ())
            self._rows += problems[0].row if problems else 0
            raise one.error if isinstance(one.error, MiranteError) else MiranteError(FAULT)
        found = msgspec.json.decode(answer.body)
        # A block may be of one row, which JSON answers as such.
        rows = found.get("predictions", [found.get("prediction")])
        lines = self._csv if self.writes_csv else self._json
        body = b"".join(lines(rows, found.get("errors", []), one.inference_id))
        self._rows += len(rows)
        return body

    def _json(self, rows: list[Any], errors: list[Any], name: str) -> Iterator[bytes]:
        faults = _by_row(errors)
        for index, row in enumerate(rows):
            line: dict[str, Any] = {"row": self._rows + index}
            if row is None:
                line["errors"] = faults.get(index, [])
            else:
                line |= {"id": f"{name}.{index}", "prediction": row}
            yield msgspec.json.encode(line) + b"\n"

    def _csv(self, rows: list[Any], errors: list[Any], name: str) -> Iterator[bytes]:
        target, faults = self.exchange.live.schema.target, _by_row(errors)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not self._begun:
            names = [f"probability_{key}" for key in target.keys]
            more = ["probability", *names] if names else []
            writer.writerow(["row", "prediction", *more, "error"])
            self._begun = True
        for index, row in enumerate(rows):
            said = "; ".join(map(_said, faults.get(index, [])))
            writer.writerow([self._rows + index, *_cells(row, len(target.keys)), said])
        yield text.getvalue().encode()

    def fault(self, error: MiranteError) -> bytes:
        """Return the last line of an answer that ends before its rows do."""
        if self.writes_csv:
            text = io.StringIO()
            blanks = _cells(None, len(self.exchange.live.keys))
            csv.writer(text, lineterminator="\n").writerow([self._rows, *blanks, str(error)])
            return text.getvalue().encode()
        answer = self.exchange.route.protocol.refuse(error, self.exchange.request_id)
        problem = {"row": self._rows, "error": msgspec.json.decode(answer.body)}
        return msgspec.json.encode(problem) + b"\n"


def _by_row(errors: list[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for error in errors:
        found.setdefault(error["row"], []).append({k: v for k, v in error.items() if k != "row"})
    return found


def _said(fault: dict[str, Any]) -> str:
    return f"{fault.get('field') or 'row'}: expected {fault['expected']}, got {fault['got']}"


def _cells(row: Any, classes: int) -> list[Any]:
    if row is None:
        return [""] * (2 + classes if classes else 1)
    value = row["value"]
    shown = str(value).lower() if isinstance(value, bool) else value
    return [shown, row["probability"], *row["probabilities"].values()] if classes else [shown]


def _plain(exchange: Exchange) -> dict[bytes, bytes]:
    """Return a request's headers but for how its client unpacks answers.

    Blocks are answered for this module, which reads plain JSON, and lines are sent as they are.
    """
    return {k: v for k, v in exchange.headers.items() if k != b"accept-encoding"}


async def _send_whole(answer: Answer, send: Send) -> None:
    headers = [(b"content-type", answer.content_type), *answer.headers, (b"connection", b"close")]
    length = (b"content-length", b"%d" % len(answer.body))
    status = int(answer.status)
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": answer.body})
