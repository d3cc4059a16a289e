from __future__ import annotations

import asyncio
import csv
import io
import json
from typing import Any

import pytest

from serving.cors import Cors
from serving.http import streamed_rows
from serving.http.streamed_rows import StreamedRows
from tests.serving.factory import ROW, make_service

HEADER = b"age,income,home,records\n"
CSV, LINES = "text/csv", "application/x-ndjson"


def ask(
    parts: list[bytes],
    kind: str = CSV,
    accept: str = "*/*",
    path: str = "/v0/predict",
    more_headers: tuple[tuple[bytes, bytes], ...] = (),
    **options: Any,
) -> list[dict[str, Any]]:
    """Return what is sent for a body that comes in parts."""
    stream = StreamedRows(make_service(**options), 0.2, Cors(("https://a.example",)))
    headers = [(b"content-type", kind.encode()), (b"accept", accept.encode())]
    headers += [(b"content-length", b"99999999999"), *more_headers]
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": path}
    scope |= {"query_string": b"stream=1", "headers": headers, "client": None}
    sent: list[dict[str, Any]] = []
    left = list(parts)

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Any) -> None:
        sent.append(message | {"left": len(left)})

    asyncio.run(stream.find(scope)(scope, receive, send))
    return sent


def body_of(sent: list[dict[str, Any]]) -> bytes:
    return b"".join(message.get("body", b"") for message in sent)


def lines_of(sent: list[dict[str, Any]]) -> list[Any]:
    return [json.loads(line) for line in body_of(sent).splitlines()]


def rows(count: int, start: int = 0) -> bytes:
    return b"".join(b'%d,1.5,"rent",no\n' % i for i in range(start, start + count))


def test_rows_are_answered_before_the_last_of_them_came():
    parts = [HEADER + rows(10_000), *(rows(10_000, 10_000 * i) for i in range(1, 8))]
    sent = ask(parts, max_rows=50_000)
    found = lines_of(sent)
    assert [line["row"] for line in found] == list(range(80_000))
    assert found[70_000]["prediction"]["probability"] > found[1]["prediction"]["probability"]
    assert len({line["id"] for line in found}) == 80_000
    bodies = [message for message in sent if message.get("body")]
    assert bodies[0]["left"] == 7
    assert max(len(message["body"]) for message in bodies) < 2_000_000


@pytest.mark.parametrize("size", [7, 100_000])
def test_parts_may_end_anywhere(size):
    data = HEADER + rows(3000)
    parts = [data[i : i + size] for i in range(0, len(data), size)]
    assert len(lines_of(ask(parts, max_rows=50_000))) == 3000


def test_bad_rows_stand_at_their_place():
    found = lines_of(ask([HEADER + rows(2) + b"x,1,rent,no\n" + rows(1)]))
    assert [line["row"] for line in found] == [0, 1, 2, 3]
    assert found[2] == {
        "row": 2,
        "errors": [{"field": "age", "expected": "integer", "got": "string"}],
    }
    assert "prediction" in found[3]


def test_json_lines_go_in_and_csv_comes_out():
    data = b"".join(json.dumps({**ROW, "age": age}).encode() + b"\n" for age in (30, "x", 40))
    sent = ask([data], LINES, CSV)
    found = list(csv.reader(io.StringIO(body_of(sent).decode())))
    assert found[0] == [
        *("row", "prediction", "probability", "probability_false", "probability_true", "error"),
    ]
    assert [row[0] for row in found[1:]] == ["0", "1", "2"]
    assert found[1][1] == "true"
    assert found[2] == ["1", "", "", "", "", "age: expected integer, got string"]


@pytest.mark.parametrize("accept", ["*/*", CSV])
def test_a_client_that_unpacks_answers_is_streamed_to_as_any(accept):
    unpacks = ((b"accept-encoding", b"gzip, deflate, br, zstd"),)
    sent = ask([HEADER + rows(900)], accept=accept, more_headers=unpacks)
    assert sent[0]["status"] == 200
    assert b"content-encoding" not in dict(sent[0]["headers"])
    assert len(body_of(sent).splitlines()) == 900 + (accept == CSV)


@pytest.mark.parametrize(
    ("origin", "granted"),
    [(b"https://a.example", b"https://a.example"), (b"https://b.example", None)],
)
def test_pages_of_named_origins_may_read_a_stream(origin, granted):
    sent = ask([HEADER + rows(3)], more_headers=((b"origin", origin),))
    headers = dict(sent[0]["headers"])
    assert headers.get(b"access-control-allow-origin") == granted
    assert headers[b"vary"] == b"Origin"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"x-request-id"]


def test_what_ends_a_stream_is_told_at_its_row(monkeypatch):
    monkeypatch.setattr(streamed_rows, "BLOCK", 100)
    found = lines_of(ask([HEADER + rows(50) + b"1,2\n" + rows(50)]))
    assert found[-1]["row"] == 50
    assert found[-1]["error"]["status"] == 422
    assert all("prediction" in line for line in found[:-1])
    *_, last = csv.reader(
        io.StringIO(body_of(ask([HEADER + rows(9) + b"1\n"], accept=CSV)).decode())
    )
    assert last[0] == "9"
    assert "signature" in last[-1]


def test_a_row_without_an_end_and_silence_are_told():
    sent = ask([HEADER + rows(2), b"x" * 20_000_000, b"x"])
    assert lines_of(sent)[-1]["error"]["status"] == 413
    sent = ask([HEADER + rows(2), b"", b"9"][:2] * 1 + [b""], accept=CSV)
    assert sent[0]["status"] == 200


@pytest.mark.parametrize(
    ("kind", "path", "status"),
    [("application/json", "/v0/predict", 415), (CSV, "/v0/models/nobody/predict", 404)],
)
def test_what_cannot_be_streamed_is_refused_at_once(kind, path, status):
    sent = ask([HEADER], kind, path=path)
    assert sent[0]["status"] == status


def test_only_v0_is_streamed_and_only_when_asked():
    stream = StreamedRows(make_service(), 1.0, Cors(()))
    scope = {"method": "POST", "path": "/v0/predict", "query_string": b""}
    assert stream.find(scope) is None
    assert stream.find({**scope, "query_string": b"partial=1&stream=1"}) is stream
    assert stream.find({**scope, "query_string": b"stream=0"}) is None
    assert stream.find({**scope, "query_string": b"stream=1", "path": "/v0/explain"}) is None


def test_an_endless_quoted_cell_of_newlines_is_refused_and_not_searched_again_and_again():
    parts = [HEADER + b'"', *[b"\n" * 60_000] * 20]
    (refused,) = lines_of(ask(parts))
    assert refused["status"] == 413
