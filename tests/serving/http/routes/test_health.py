from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from serving.auth import Guard, KeyRing, new_key
from serving.champions import Champions
from serving.http.routes.health import health_blueprint
from tests.serving.factory import make_champions, make_live

TOKEN, KEY = new_key("prober", ["predict"])


def ask(champions: Champions, path: str, closed: bool = False, **headers: str) -> Any:
    app = Flask(__name__)
    guard = Guard(KeyRing((KEY.entry(),)), require_for_prediction=closed)
    app.register_blueprint(health_blueprint(champions, guard))
    return app.test_client().get(path, headers=headers)


def test_it_says_that_it_is_alive_and_when() -> None:
    answered = ask(make_champions(), "/health").json
    assert answered["msg"] == "this service is alive"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answered["now"])
    assert ask(make_champions(), "/livez").json == {"status": "live"}


@pytest.mark.parametrize(
    ("loaded", "faults", "status", "expected"),
    [
        (["credit"], {}, 200, "ready"),
        (["credit"], {"credit": "a fact"}, 200, "degraded"),  # the old champion serves on
        (["credit"], {"registry": "a fact"}, 200, "degraded"),
        (["credit"], {"iris": "a fact"}, 503, "unready"),
        ([], {}, 503, "unready"),
    ],
)
def test_it_is_ready_when_no_wanted_model_is_missing(
    loaded: list[str], faults: dict[str, str], status: int, expected: str
) -> None:
    champions = make_champions(*map(make_live, loaded))
    champions._faults.update(faults)
    answer = ask(champions, "/readyz")
    assert answer.status_code == status
    assert answer.json["status"] == expected
    assert answer.json["faults"] == faults
    assert list(answer.json["models"]) == loaded


def test_models_are_named_to_those_who_may_predict() -> None:
    champions = make_champions(make_live("credit"))
    champions._faults["iris"] = "a fact"
    answer = ask(champions, "/readyz", closed=True)
    assert answer.status_code == 503
    assert answer.json == {"status": "unready", "models": {}, "faults": {}}
    answer = ask(champions, "/readyz", closed=True, Authorization=f"Bearer {TOKEN}")
    assert (list(answer.json["models"]), list(answer.json["faults"])) == (["credit"], ["iris"])
