from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from typing import Any

import pytest
from flask import Flask

from errors import RowProblem, RowsError, StoreUnavailable
from serving.auth import Guard, KeyRing, new_key
from serving.cors import Cors
from serving.http.routes.feedback import feedback_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds

TOKEN, KEY = new_key("labels", ["feedback"])
HEADERS = {"X-API-Key": TOKEN, "Content-Type": "application/json"}
BODY = json.dumps([{"id": "a", "truth": True}]).encode()


class Keeping:
    """Keeps truths, or raises what it is given."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.kept: list[Any] = []
        self._fault = fault

    def __call__(self, truths: Sequence[Any]) -> bytes:
        """Keep them, and say so."""
        if self._fault is not None:
            raise self._fault
        self.kept += truths
        return b'{"accepted":1,"repeated":0,"unknown":0}'


def post(keep: Keeping, body: bytes = BODY, **headers: str) -> Any:
    app = Flask("feedback", static_folder=None)
    attend(app, RequestIds(), Cors(("*",)), Observation(Metrics(), 0.0))
    guard = Guard(KeyRing([KEY.entry()]))
    app.register_blueprint(feedback_blueprint(guard, keep, max_body_bytes=1000, max_rows=5))
    named = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().post("/v0/feedback", data=body, headers=named)


def test_truths_are_kept_and_counted() -> None:
    keep = Keeping()
    answer = post(keep)
    assert answer.status_code == 200
    assert answer.json == {"accepted": 1, "repeated": 0, "unknown": 0}
    post(keep, b"id,truth\nb,3\n", Content_Type="text/csv; charset=utf-8")
    post(keep, gzip.compress(BODY), Content_Encoding="gzip")
    assert [each["id"] for each in keep.kept] == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 422),
        (json.dumps([{"id": "a", "truth": 1}] * 6).encode(), {}, 413),
        (b" " * 1001, {}, 413),
        (BODY, {"Content_Type": "text/plain"}, 415),
        (BODY, {"X_API_Key": "nobody's"}, 401),
    ],
)
def test_what_cannot_be_taken_has_its_status(body: bytes, headers: Any, status: int) -> None:
    keep = Keeping()
    answer = post(keep, body, **headers)
    assert (answer.status_code, keep.kept) == (status, [])


def test_a_truth_that_does_not_fit_is_named() -> None:
    problem = RowProblem(0, "truth", "one of false, true", "something else")
    answer = post(Keeping(RowsError("a truth is none", (problem,))))
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "truth"
    assert post(Keeping(StoreUnavailable("away"))).status_code == 503
