"""What every Flask route has: an id, CORS, problem documents, its line in metrics and log."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, abort

from errors import Overloaded
from serving.cors import Cors
from serving.exchange import Answer
from serving.http.wsgi import attend, flask_headers, flask_response
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def client(metrics: Metrics) -> Any:
    app = Flask(__name__)
    attend(app, RequestIds(), Cors(("https://a.example",)), Observation(metrics, 0.0))

    @app.get("/things/<name>")
    def thing(name: str) -> str:
        return flask_headers()[b"x-any"].decode("latin-1")

    @app.get("/overloaded")
    def overloaded() -> str:
        raise Overloaded("a fact", retry_after=9)

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("secret of the house")

    @app.get("/teapot")
    def teapot() -> str:
        abort(418)

    @app.get("/folder/sub")
    def folder() -> str:
        return "x"

    return app.test_client()


def test_headers_have_lower_case_names_and_are_bytes(client: Any) -> None:
    assert client.get("/things/a", headers={"X-Any": "\u00e9"}).text == "\u00e9"


def test_an_answer_keeps_its_headers_even_two_of_a_name() -> None:
    headers = ((b"x-any", b"1"), (b"x-any", b"2"))
    with Flask(__name__).app_context():
        response: Response = flask_response(Answer(201, b"x", b"text/plain", headers))
    assert response.status_code == 201
    assert response.headers.getlist("x-any") == ["1", "2"]
    assert response.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/overloaded", 503, "a fact"),
        ("/nowhere", 404, "there is nothing at this path"),
        ("/teapot", 418, "i'm a teapot"),
        ("/broken", 500, "the service failed; its log has the cause under this request id"),
    ],
)
def test_whatever_goes_wrong_is_a_problem_under_the_requests_id(
    client: Any, path: str, status: int, detail: str
) -> None:
    answer = client.get(path, headers={"X-Request-Id": "mine"})
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json["detail"] == detail
    assert answer.json["request_id"] == answer.headers["X-Request-Id"] == "mine"


def test_a_method_that_is_not_taken_is_told_those_that_are(client: Any) -> None:
    answer = client.post("/broken")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_when_to_try_again_is_said(client: Any) -> None:
    assert client.get("/overloaded").headers["Retry-After"] == "9"


def test_the_cause_of_a_failure_is_logged(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    client.get("/broken", headers={"X-Request-Id": "mine"})
    (line,) = [line for line in caplog.records if line.name == "mirante.wsgi"]
    assert line.request_id == "mine"  # type: ignore[attr-defined]
    assert "secret of the house" in caplog.text


def test_a_redirection_is_no_error(client: Any) -> None:
    answer = client.get("/folder//sub")
    assert (answer.status_code, answer.mimetype) == (308, "text/html")
    assert answer.headers["Location"].endswith("/folder/sub")


def test_only_the_origins_that_are_named_may_read(client: Any) -> None:
    for origin, expected in (
        ("https://a.example", "https://a.example"),
        ("https://b.example", None),
    ):
        answer = client.get("/things/a", headers={"Origin": origin, "X-Any": ""})
        assert answer.headers.get("Access-Control-Allow-Origin") == expected


def test_requests_are_counted_by_their_route_and_not_by_their_path(
    client: Any, metrics: Metrics
) -> None:
    for path in ("/things/a", "/things/b", "/nowhere/1", "/nowhere/2"):
        client.get(path, headers={"X-Any": ""})
    text = metrics.exposition().decode()
    assert 'mirante_requests_total{route="/things/<name>",status="200"} 2.0' in text
    assert 'mirante_requests_total{route="",status="404"} 2.0' in text


@pytest.fixture
def cached() -> Any:
    app = Flask(__name__)
    attend(app, RequestIds(), Cors(()), Observation(Metrics(), 0.0))
    blueprint = Blueprint("inspection", __name__)
    blueprint.add_url_rule("/long", view_func=lambda: {"long": "x" * 2000}, endpoint="long")
    app.register_blueprint(blueprint)
    return app.test_client()


def test_what_has_not_changed_is_not_sent_again(cached: Any) -> None:
    first = cached.get("/long")
    again = cached.get("/long", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert first.headers["X-Content-Type-Options"] == "nosniff"


def test_a_long_answer_is_packed_under_a_tag_of_the_same_answer(cached: Any) -> None:
    plain = cached.get("/long/")
    packed = cached.get("/long", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["ETag"] == "W/" + plain.headers["ETag"]
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    tag = {"If-None-Match": packed.headers["ETag"]}
    assert cached.get("/long", headers=tag | {"Accept-Encoding": "gzip"}).status_code == 304
