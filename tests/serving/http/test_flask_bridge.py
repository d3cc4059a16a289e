"""Flask under ASGI: bodies read before a thread is taken, and health beside everything."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, request

from serving import in_flight
from serving.cors import Cors
from serving.http import flask_bridge
from serving.http.flask_bridge import IN_MEMORY, THREADS, FlaskBridge
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds
from tests.serving.transports import Answered, call, whole

MOST = 1_000_000


class Held:
    """A Flask application with a route that holds its thread until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.entered = threading.Semaphore(0)
        self.flask = Flask(__name__)
        ids, cors, observation = RequestIds(), Cors(("*",)), Observation(Metrics(), 0.0)
        attend(self.flask, ids, cors, observation)
        self.flask.add_url_rule("/held", view_func=self.hold)
        self.flask.add_url_rule("/livez", view_func=lambda: "live")
        self.flask.add_url_rule("/size", view_func=self.size, methods=["POST"])
        self.bridge = FlaskBridge(
            self.flask,
            most_bytes=MOST,
            body_timeout=0.3,
            may_upload=lambda headers: (b"x-api-key", b"good") in headers,
            request_ids=ids,
            cors=cors,
            observation=observation,
        )

    def hold(self) -> str:
        self.entered.release()
        self.go.wait(30)
        return "held"

    def size(self) -> str:
        request.max_content_length = MOST
        return str(len(request.get_data()))

    def ask(self, path: str, messages: list[Any], method: str = "POST", **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return call(self.bridge, method, path, named, messages)


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    yield made
    made.go.set()


def part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize("size", [0, 1, IN_MEMORY, IN_MEMORY * 3 + 1])
def test_a_body_arrives_whole_and_leaves_no_count(held: Held, size: int) -> None:
    parts = [part(b"a" * size), part(b"b", more=False)]
    answer: Answered = asyncio.run(held.ask("/size", parts, x_api_key="good"))
    assert (answer.status, answer.body) == (200, str(size + 1).encode())
    assert held.bridge._spooled == 0


def test_a_body_over_the_limit_is_refused_and_read_no_further(held: Held) -> None:
    parts = [part(b"a" * 600_000), part(b"a" * 600_000)]  # a third never comes
    assert asyncio.run(held.ask("/size", parts, x_api_key="good")).status == 413
    declared = str(MOST + 1)
    answer = asyncio.run(held.ask("/size", [], x_api_key="good", content_length=declared))
    assert answer.status == 413


def test_without_a_key_little_is_read(held: Held) -> None:
    # A second part never comes: whoever waits for it answers 408.
    answer = asyncio.run(held.ask("/size", [part(b"a" * (IN_MEMORY + 1))]))
    assert answer.body == str(IN_MEMORY + 1).encode()


def test_a_body_that_stands_still_is_given_up(held: Held) -> None:
    answer = asyncio.run(held.ask("/size", [part(b"a")]))
    assert (answer.status, answer.json["status"]) == (408, 408)
    assert answer.headers["x-request-id"] == answer.json["request_id"]


def test_bodies_on_their_way_are_bounded_together(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flask_bridge, "MOST_UPLOADS", 1)

    async def all_at_once() -> list[Any]:
        asked = (held.ask("/size", [part(b"a" * 600_000)], x_api_key="good") for _ in range(2))
        return await asyncio.gather(*asked)

    answers = asyncio.run(all_at_once())
    assert sorted(answer.status for answer in answers) == [408, 503]


def test_health_is_answered_while_every_thread_is_held_and_others_wait_for_a_while(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_flight, "QUEUE_SECONDS", 0.2)
    monkeypatch.setattr(flask_bridge, "QUEUE_SECONDS", 0.2)

    async def story() -> None:
        holding = [
            asyncio.create_task(held.ask("/held", whole(b""), "GET")) for _ in range(THREADS)
        ]
        for _ in range(THREADS):
            assert await asyncio.to_thread(held.entered.acquire, timeout=10)
        assert (await held.ask("/livez", [], "GET")).body == b"live"
        late = await held.ask("/held", whole(b""), "GET")
        assert (late.status, late.headers["retry-after"]) == (503, "1")
        held.go.set()
        answers = await asyncio.gather(*holding)
        assert [answer.body for answer in answers] == [b"held"] * THREADS

    asyncio.run(story())
