from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from errors import Conflict, Overloaded
from serving.cors import Cors
from serving.http.routes import performance
from serving.http.routes.performance import performance_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds
from tests.serving.factory import make_champions, make_live


class Asked:
    """Remembers what it was asked."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self._fault = fault

    def __call__(self, *asked: Any) -> bytes:
        """Answer with how often it was asked."""
        self.asked.append(asked)
        if self._fault is not None:
            raise self._fault
        return b'{"asked":%d}' % len(self.asked)


def client(asked: Asked) -> Any:
    app = Flask("performance", static_folder=None)
    attend(app, RequestIds(), Cors(("*",)), Observation(Metrics(), 0.0))
    app.register_blueprint(performance_blueprint(make_champions(make_live()), asked))
    return app.test_client()


def test_it_is_asked_of_the_live_version_and_its_hold_out() -> None:
    asked = Asked()
    answer = client(asked).get("/v0/models/credit/performance?days=3")
    assert (answer.status_code, answer.json) == (200, {"asked": 1})
    assert asked.asked == [("credit", 3, make_live().version, {"roc_auc": 0.5})]


def test_an_answer_is_given_again_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    get = client(asked).get
    path = "/v0/models/credit/performance"
    assert get(path).json == get(f"{path}?days=7").json == {"asked": 1}
    assert get(f"{path}?days=8").json == {"asked": 2}
    monkeypatch.setattr(performance, "FRESH", 0.0)
    assert get(path).json == {"asked": 3}


@pytest.mark.parametrize("days", ["0", "367", "-1", "1.5", "x", "", "\u0663", "9" * 30])
def test_days_are_bounded(days: str) -> None:
    asked = Asked()
    answer = client(asked).get("/v0/models/credit/performance", query_string={"days": days})
    assert (answer.status_code, asked.asked) == (400, [])


def test_a_fault_is_not_kept() -> None:
    asked = Asked(Conflict("no prediction log is kept here"))
    get = client(asked).get
    assert get("/v0/models/credit/performance").status_code == 409
    assert get("/v0/models/credit/performance").status_code == 409
    assert len(asked.asked) == 2
    assert get("/v0/models/nobody/performance").status_code == 404


def test_the_last_answer_is_given_where_there_is_no_time_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked()
    get = client(asked).get
    path = "/v0/models/credit/performance"
    assert get(path).json == {"asked": 1}
    monkeypatch.setattr(performance, "FRESH", 0.0)
    asked._fault = Overloaded("the log takes over 25 s to read; ask for less")
    assert get(path).json == {"asked": 1}
    assert get(f"{path}?days=8").status_code == 503
    monkeypatch.setattr(performance, "KEPT", 0.0)
    assert get(path).status_code == 503
