"""The route of drift: the last report, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

from errors import StoreUnavailable
from serving.cors import Cors
from serving.http.routes.drift import NO_LOG, NO_REPORT, drift_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds
from tests.serving.factory import make_champions, make_live

VERSION = make_live().version


def ask(read: Callable[[str], dict[str, Any] | None] | None, name: str = "credit") -> Any:
    app = Flask(__name__)
    attend(app, RequestIds(), Cors(("*",)), Observation(Metrics(), 0.0))
    app.register_blueprint(drift_blueprint(make_champions(make_live()), read))
    return app.test_client().get(f"/v0/models/{name}/drift")


def test_a_report_is_answered_as_it_was_written() -> None:
    report = {"name": "credit", "version": VERSION, "said": ["nothing"], "alarm": False}
    answer = ask({"credit": report}.get)
    assert (answer.status_code, answer.json) == (200, report)


def test_why_there_is_no_report_is_said() -> None:
    for read, reason in ((None, NO_LOG), (lambda _: None, NO_REPORT)):
        assert ask(read).json == {"name": "credit", "version": VERSION, "said": [reason]}


def test_a_report_of_a_version_before_says_so() -> None:
    said = ask(lambda _: {"name": "credit", "version": "v0", "said": ["old"]}).json["said"]
    assert said == [f"version {VERSION} answers now, of which there is no report yet", "old"]


def test_an_unknown_model_is_404_and_a_log_that_is_away_503() -> None:
    def away(name: str) -> None:
        raise StoreUnavailable("the store cannot be reached")

    assert ask(lambda _: None, "iris").status_code == 404
    answer = ask(away)
    assert answer.status_code == 503
    assert answer.json["detail"] == "the store cannot be reached"
