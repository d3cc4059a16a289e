"""The routes of replays: what is queued, what is refused, what is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from errors import NotFound
from serving.auth import Guard, KeyRing, new_key
from serving.cors import Cors
from serving.http.routes.replay import replay_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds
from tests.persistence.artifacts import make_artifact, make_registry

TOKEN, KEY = new_key("trainer", ["train"])
OTHER, OTHER_KEY = new_key("client", ["predict"])
AS = {"Authorization": f"Bearer {TOKEN}"}
PATH = "/v0/models/credit/versions/{}/replay"


class Queue:
    """Takes orders down."""

    def __init__(self) -> None:
        self.orders: list[tuple[dict[str, Any], str]] = []

    def __call__(self, order: dict[str, Any], who: str) -> dict[str, Any]:
        """Return the document of a queued job."""
        self.orders.append((order, who))
        return {"id": "abc", "state": "queued"}


def read(name: str, version: str) -> dict[str, Any]:
    if version != "v2":
        raise NotFound("no replay of this version was made yet: POST one")
    return {"rows": 3}


def client(queue: Queue, log_off: str | None = None) -> Any:
    registry = make_registry()
    for version in ("v1", "v2", "v3"):
        registry.register("credit", make_artifact(version, signer=registry.signer))
    registry.promote("credit", "v1")
    registry.register("orphan", make_artifact("v1", "orphan", signer=registry.signer))
    app = Flask("replay", static_folder=None)
    attend(app, RequestIds(), Cors(("*",)), Observation(Metrics(), 0.0))
    guard = Guard(KeyRing([KEY.entry(), OTHER_KEY.entry()]))
    app.register_blueprint(replay_blueprint(registry, queue, read, guard, log_off=log_off))
    return app.test_client()


def test_a_replay_is_queued_as_a_job() -> None:
    queue = Queue()
    answer = client(queue).post(PATH.format("v2"), headers=AS, json={"days": 3})
    assert (answer.status_code, answer.headers["Location"]) == (202, "/v0/jobs/abc")
    client(queue).post(PATH.format("v2"), headers=AS)
    orders = [({"name": "credit", "replay": "v2", "days": days}, "trainer") for days in (3, 7)]
    assert queue.orders == orders


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (PATH.format("v1"), b"", 409),
        (PATH.format("v9"), b"", 404),
        (PATH.format("..%2Fx"), b"", 404),
        (PATH.format("x" * 5000), b"", 404),
        ("/v0/models/nothing/versions/v1/replay", b"", 404),
        ("/v0/models/No-Name!/versions/v1/replay", b"", 404),
        ("/v0/models/orphan/versions/v1/replay", b"", 409),
        (PATH.format("v2"), b'{"days": 0}', 400),
        (PATH.format("v2"), b'{"days": -1}', 400),
        (PATH.format("v2"), b'{"days": 1e99}', 400),
        (PATH.format("v2"), b'{"day": 1}', 400),
        (PATH.format("v2"), b"{" * 4000, 400),
    ],
)
def test_what_cannot_be_replayed_is_refused(path: str, body: bytes, status: int) -> None:
    queue = Queue()
    answer = client(queue).post(path, headers=AS, data=body)
    assert answer.status_code == status
    assert queue.orders == []


def test_a_key_with_the_scope_of_promotion_is_needed() -> None:
    for method in ("get", "post"):
        send = getattr(client(Queue()), method)
        assert send(PATH.format("v2")).status_code == 401
        wrong = {"Authorization": f"Bearer {OTHER}"}
        assert send(PATH.format("v2"), headers=wrong).status_code == 403


def test_without_a_log_nothing_is_queued() -> None:
    queue = Queue()
    answer = client(queue, "no prediction log").post(PATH.format("v2"), headers=AS)
    assert (answer.status_code, queue.orders) == (409, [])


def test_the_last_replay_is_read(tmp_path: Path) -> None:
    get = client(Queue()).get
    assert get(PATH.format("v2"), headers=AS).json == {"rows": 3}
    assert get(PATH.format("v3"), headers=AS).status_code == 404
    assert get(PATH.format("v9"), headers=AS).status_code == 404
