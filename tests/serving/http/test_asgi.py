"""The ASGI application: refusals before the body, threads, turns, streams, the worker's life."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import ConfigError
from serving.auth import Guard, KeyRing, new_key
from serving.http.asgi import QUICK_BODY, AsgiApplication
from serving.pages.form import signature_of
from serving.pages.fragment import fragment_routes
from serving.service import PredictionService
from tests.serving.factory import ROW, make_live, make_service
from tests.serving.transports import JSON, Answered, call, post, whole

BODY = json.dumps(ROW).encode()
_, KEY = new_key("client", ["predict"])


async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
    """Answer what is no prediction."""
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


def application(service: PredictionService | None = None, **options: Any) -> AsgiApplication:
    return AsgiApplication(service or make_service(), elsewhere, **({"body_timeout": 5} | options))


def ask(
    app: AsgiApplication, messages: list[Any], path: str = "/v0/predict", **headers: str
) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return asyncio.run(call(app, "POST", path, JSON | named, messages))


def part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


@settings(deadline=None, max_examples=30)
@given(cuts=st.lists(st.integers(0, len(BODY)), max_size=4))
def test_a_body_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(BODY)]
    parts = [BODY[a:b] for a, b in pairwise(edges)]
    messages = [part(data, more=n < len(parts) - 1) for n, data in enumerate(parts)]
    answer = ask(application(), messages)
    assert answer.status == 200
    assert answer.json["prediction"] == post(make_service(), ROW).json["prediction"]


def test_a_body_declared_too_large_is_refused_before_it_is_read() -> None:
    answer = ask(application(), [], content_length="100001")
    assert (answer.status, answer.headers["connection"]) == (413, "close")


@pytest.mark.parametrize("declared", ["-1", "many", "1e3"])
def test_a_length_that_is_none_is_refused(declared: str) -> None:
    assert ask(application(), [], content_length=declared).status == 413


def test_a_body_that_grows_too_large_is_read_no_further() -> None:
    # A third part never comes: who waits for it answers 408.
    answer = ask(application(body_timeout=0.2), [part(b" " * 60_000, more=True)] * 2)
    assert (answer.status, answer.headers["connection"]) == (413, "close")


@pytest.mark.parametrize("messages", [[], [part(b"{", more=True)]])
def test_a_body_that_does_not_arrive_is_given_up(messages: list[Any]) -> None:
    answer = ask(application(body_timeout=0.05), messages)
    assert (answer.status, answer.headers["connection"]) == (408, "close")


def exchange(app: AsgiApplication, scope: dict[str, Any], messages: list[Any]) -> list[Any]:
    """Give the application messages and return what it sends."""
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


@pytest.mark.parametrize("first", [[], [part(b"{", more=True)]])
def test_a_client_that_left_is_sent_nothing(first: list[Any]) -> None:
    service = make_service(max_in_flight=1)
    scope = {"type": "http", "method": "POST", "path": "/v0/predict", "headers": []}
    assert exchange(application(service), scope, [*first, {"type": "http.disconnect"}]) == []
    assert ask(application(service), [part(BODY, more=False)]).status == 200


def closed() -> PredictionService:
    return make_service(guard=Guard(KeyRing([KEY.entry()]), require_for_prediction=True))


def test_a_request_without_a_key_is_refused_while_its_body_is_still_on_its_way() -> None:
    # No further part ever comes: whoever waits for it answers 408 after five seconds.
    for messages in ([], [part(b"{", more=True)]):
        answer = ask(application(closed()), messages)
        assert (answer.status, answer.headers["connection"]) == (401, "close")


def test_a_refused_request_whose_body_came_along_keeps_its_connection() -> None:
    answer = ask(application(closed()), [part(BODY, more=False)])
    assert (answer.status, answer.headers.get("connection")) == (401, None)
    answer = ask(application(), [part(BODY, more=False)], "/v0/models/nobody/predict")
    assert (answer.status, answer.headers.get("connection")) == (404, None)


def test_a_client_that_waits_for_permission_to_send_is_not_given_it_with_a_refusal() -> None:
    answer = ask(application(closed()), [part(BODY, more=False)], expect="100-continue")
    assert (answer.status, answer.headers["connection"]) == (401, "close")


def test_bodies_that_are_waited_for_stop_no_prediction() -> None:
    app = application(make_service(max_in_flight=2))

    async def call_all() -> tuple[Answered, list[Answered]]:
        waiting = [
            asyncio.create_task(call(app, "POST", "/v0/predict", JSON, [part(b"{", more=True)]))
            for _ in range(140)
        ]
        await asyncio.sleep(0)
        answered = await call(app, "POST", "/v0/predict", JSON, whole(BODY))
        for task in waiting:
            task.cancel()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        return answered, [one for one in ended if isinstance(one, Answered)]

    answered, early = asyncio.run(call_all())
    assert answered.status == 200
    assert early == []


def test_what_is_no_prediction_is_handed_on() -> None:
    answer = ask(application(), [], "/v0/models")
    assert (answer.status, answer.body) == (299, b"/v0/models")


def test_a_stream_comes_before_the_fallback() -> None:
    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 298, "headers": []})

    app = application(streams=(lambda _: None, lambda s: stream if "events" in s["path"] else None))
    assert ask(app, [], "/v0/jobs/1/events").status == 298
    assert ask(app, [], "/v0/jobs/1").status == 299


def test_requests_at_the_same_time_are_answered_each_with_its_own() -> None:
    app = application(make_service(max_in_flight=20))
    ages = list(range(0, 100, 10))
    bodies = [json.dumps(ROW | {"age": age}).encode() for age in ages]
    bodies[3] = b"{"  # one that fails spoils none of the others

    async def all_at_once() -> list[Any]:
        path = "/v0/predict"
        calls = (call(app, "POST", path, JSON, [part(b, more=False)]) for b in bodies)
        return await asyncio.gather(*calls)

    together = asyncio.run(all_at_once())
    assert [answer.status for answer in together] == [200] * 3 + [400] + [200] * 6
    for body, answer in zip(bodies, together, strict=True):
        alone = ask(app, [part(body, more=False)])
        assert alone.status == answer.status
        assert alone.json.get("prediction") == answer.json.get("prediction")


def threads_of(live: Any) -> list[str]:
    """Return a list that the names of the threads that predict are put into."""
    seen: list[str] = []
    honest = live.runtime.outputs

    def probabilities(batch: Any) -> Any:
        seen.append(threading.current_thread().name)
        return honest(batch)

    live.runtime.outputs = probabilities
    return seen


@pytest.mark.parametrize(
    ("quick", "size", "in_a_thread"),
    [(True, len(BODY), False), (False, len(BODY), True), (True, QUICK_BODY + 1, True)],
)
def test_a_slow_model_and_a_large_body_leave_the_event_loop(
    quick: bool, size: int, in_a_thread: bool
) -> None:
    live = make_live(quick=quick)
    seen = threads_of(live)
    assert post(make_service(live), BODY.ljust(size)).status == 200
    assert [name.startswith("mirante-batch") for name in seen] == [in_a_thread]


def test_it_starts_and_stops_with_its_worker() -> None:
    calls: list[str] = []
    app = application(on_start=lambda: calls.append("up"), on_stop=lambda: calls.append("down"))
    stages = [{"type": f"lifespan.{stage}"} for stage in ("startup", "shutdown")]
    sent = exchange(app, {"type": "lifespan"}, stages)
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert calls == ["up", "down"]


def test_a_start_that_fails_says_why() -> None:
    def fail() -> None:
        raise ConfigError("MODEL_STORE: a fact")

    sent = exchange(
        application(on_start=fail), {"type": "lifespan"}, [{"type": "lifespan.startup"}]
    )
    assert sent == [{"type": "lifespan.startup.failed", "message": "MODEL_STORE: a fact"}]


def test_requests_of_one_turn_are_predicted_in_one_call_and_answered_as_alone():
    live = make_live()
    sizes: list[int] = []
    honest = live.runtime.outputs

    def probabilities(batch: Any) -> Any:
        sizes.append(len(batch.matrix))
        return honest(batch)

    live.runtime.outputs = probabilities  # type: ignore[method-assign]
    service = make_service(live, make_live("other"))
    bodies = [
        ("/v0/predict", ROW),
        ("/v0/predict", [ROW | {"age": 60}, ROW]),
        ("/v0/predict", ROW | {"age": "old"}),
        ("/v0/models/other/predict", ROW),
        ("/v0/models/nobody/predict", ROW),
        ("/v0/predict", ROW | {"age": -9}),
    ]

    async def together() -> list[Answered]:
        app = application(service)
        raw = [json.dumps(body).encode() for _, body in bodies]
        calls = [
            call(app, "POST", path, JSON | {"x-request-id": str(i)}, whole(raw[i]))
            for i, (path, _) in enumerate(bodies)
        ]
        return await asyncio.gather(*calls)

    answers = asyncio.run(together())
    assert sizes == [4]
    assert [answer.status for answer in answers] == [200, 200, 422, 200, 404, 200]
    for i, ((path, body), answer) in enumerate(zip(bodies, answers, strict=True)):
        assert answer.headers["x-request-id"] == str(i)
        alone = post(service, body, path, **{"x-request-id": str(i)})
        drop = partial(re.sub, rb'"prediction_time":"[^"]+"', b"")
        assert drop(alone.body) == drop(answer.body)


def test_a_request_that_breaks_the_joined_prediction_fails_alone():
    live = make_live()
    honest = live.runtime.outputs

    def probabilities(batch: Any) -> Any:
        if (batch.matrix[:, 0] == 13).any():
            raise RuntimeError("unlucky")
        return honest(batch)

    live.runtime.outputs = probabilities  # type: ignore[method-assign]
    service = make_service(live)

    async def together() -> list[Answered]:
        app = application(service)
        raw = [json.dumps(ROW | {"age": age}).encode() for age in (30, 13, 40)]
        return await asyncio.gather(
            *(call(app, "POST", "/v0/predict", JSON, whole(body)) for body in raw)
        )

    assert [answer.status for answer in asyncio.run(together())] == [200, 500, 200]


def test_what_is_tried_out_on_a_page_rests_and_predictions_do_not_wait_for_it() -> None:
    service = make_service(make_live(), more_routes=fragment_routes(closed=False))
    asgi = application(service)
    form = json.dumps({"signature": signature_of(make_live()), "f0": "30"}).encode()
    asked = partial(call, asgi, "POST")
    order: list[str] = []

    async def say(what: str, path: str, body: bytes) -> None:
        answer = await asked(path, JSON, [part(body, more=False)])
        order.append(f"{what} {answer.status}")

    async def run() -> None:
        await say("first trial", "/models/credit/answer", form)
        asgi._trials[False]._free = time.monotonic() + 0.3  # as if it had taken long
        await asyncio.gather(
            say("second trial", "/models/credit/answer", form),
            say("prediction", "/v0/predict", json.dumps(ROW).encode()),
        )

    asyncio.run(run())
    assert order == ["first trial 200", "prediction 200", "second trial 200"]
