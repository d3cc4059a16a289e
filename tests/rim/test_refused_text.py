"""NUL and lone surrogates, wherever a text may stand: refused by name, whatever keeps the jobs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from serving.auth import new_key
from tests.conftest import require
from tests.servers import INSTALL_POSTGRES, find_postgres, postgres_server
from tests.service import CREDIT_ROW, Service, build, serve

NUL, LONE = '"\\u0000"', '"\\ud800"'
FORM = "--x\r\ncontent-disposition: form-data; name={}\r\n\r\n{}\r\n"
HEAD_OF_FILE = '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
FILE = HEAD_OF_FILE + "a,b\n1,2\n\r\n--x--\r\n"
JSON = {"Content-Type": "application/json"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}


class Asked(NamedTuple):
    """A request and the statuses that it may be answered with."""

    path: str
    body: str
    statuses: set[int]
    headers: dict[str, str] = JSON
    method: str = "POST"


def row(value: str, name: str = '"home"') -> str:
    given = json.dumps({k: v for k, v in CREDIT_ROW.items() if k != "home"})
    return f"{given[:-1]}, {name}: {value}}}"


def tensor(value: str) -> str:
    one = {"datatype": "BYTES", "shape": [1], "data": [0]}
    return json.dumps({"inputs": [{"name": "home", **one}]}).replace("[0]", f"[{value}]")


def requests_with(text: str) -> list[Asked]:
    raw = json.loads(text).encode("utf-8", "surrogatepass").decode("latin-1")
    predicted = {200, 400, 422}
    # A form that is not UTF-8 has another letter there, which is a name as any other.
    formed = {422} if text == NUL else {202, 422}
    return [
        Asked("/v0/predict", row(text), predicted),
        Asked("/v0/predict?strict=1", row(text), {400, 422}),
        Asked("/v0/predict?partial=1", f"[{row(text)}, {row(text)}]", predicted),
        Asked("/v0/predict", row("1", text), {400, 422}),
        Asked("/v0/predict", f"a,home\n1,{raw}\n", {400, 422}, {"Content-Type": "text/csv"}),
        Asked("/invocations", row(text), predicted),
        Asked("/invocations", f'{{"instances": [{row(text)}]}}', predicted),
        Asked("/v1/models/credit:predict", f'{{"instances": [{row(text)}]}}', predicted),
        Asked("/v2/models/credit/infer", tensor(text), {400, 422}),
        Asked("/v0/train", f'{{"recipe": {text}}}', {400, 422}),
        Asked("/v0/train", f'{{"recipe": "credit", "parameters": {{{text}: 1}}}}', {400, 422}),
        Asked("/v0/train", f'{{"recipe": "credit", "parameters": {{"a": {text}}}}}', {400, 422}),
        Asked("/v0/train", '{"recipe": "credit"}', {400, 422}, {**JSON, "Idempotency-Key": raw}),
        Asked("/v0/train", FORM.format("target", raw) + FILE, formed, MULTIPART),
        Asked(
            "/v0/train",
            FORM.format("merge_rare", raw) + FORM.format("target", "b") + FILE,
            formed,
            MULTIPART,
        ),
        Asked("/v0/describe", FORM.format("missing", f"[{text}]") + FILE, {400, 422}, MULTIPART),
        Asked("/v0/describe", FORM.format("kinds", f"{{{text}: 1}}") + FILE, {400, 422}, MULTIPART),
        Asked("/v0/models/credit/versions/%00/promote", "", {400, 404, 409, 422}),
        Asked("/v0/models/%00/rollback", "", {400, 404, 409, 422}),
        Asked("/v0/models/%ed%a0%80/rollback", "", {400, 404, 409, 422}),
        Asked("/v0/models/credit/rollback", f'{{"expected_serial": {text}}}', {400, 422}),
        Asked("/v0/models/credit/versions/%00", "", {400, 404, 409}, {}, "DELETE"),
        Asked("/v0/jobs/%00", "", {400, 404}, {}, "DELETE"),
        Asked("/v0/jobs/%00", "", {400, 404}, {}, "GET"),
        Asked("/v0/jobs/%00/events", "", {400, 404}, {}, "GET"),
        Asked("/v0/models/%00/model_info", "", {400, 404}, {}, "GET"),
        Asked("/v2/models/%00", "", {400, 404}, {}, "GET"),
    ]


ASKED = [(text, number) for text in (NUL, LONE) for number in range(len(requests_with(NUL)))]


def predict(service: Service) -> int:
    return send(service, Asked("/v0/predict", json.dumps(CREDIT_ROW), set()), {})


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, dict[str, str]]]:
    store = tmp_path_factory.mktemp("text") / "models"
    build(store, "--set", "n_estimators=5")
    token, key = new_key("text", ["predict", "train", "admin"])
    settings = {"API_KEYS": key.entry(), "WEB_CONCURRENCY": "1"}
    with postgres_of(request.param) as found, serve(store, **settings, **found) as running:
        before = running.workers()
        yield running, {"X-API-Key": token}
        assert predict(running) == 200
        assert running.workers() == before
        assert "Traceback" not in running.log.read_text()


@contextmanager
def postgres_of(kind: str) -> Iterator[dict[str, str]]:
    if kind == "sqlite":
        yield {}
        return
    require(find_postgres() is not None, "PostgreSQL", INSTALL_POSTGRES)
    with postgres_server() as server:
        yield {"DATABASE_URL": server.url}


@pytest.mark.parametrize(("text", "number"), ASKED)
def test_a_text_that_a_database_refuses_is_refused_here(
    service: tuple[Service, dict[str, str]], text: str, number: int
) -> None:
    running, key = service
    asked = requests_with(text)[number]
    answer = send(running, asked, key)
    assert answer in asked.statuses, asked


def send(running: Service, asked: Asked, key: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    try:
        connection.putrequest(asked.method, asked.path)
        body = asked.body.encode("latin-1")
        for name, value in {**key, **asked.headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders(body)
        return connection.getresponse().status
    except ValueError:
        return 400
    finally:
        connection.close()
