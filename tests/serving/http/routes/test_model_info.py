from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from serving.champions import Live
from serving.cors import Cors
from serving.http.routes.model_info import inspection_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds
from tests.serving.factory import make_champions, make_live


def ask(path: str, *lives: Live) -> Any:
    app = Flask(__name__)
    attend(app, RequestIds(), Cors(("*",)), Observation(Metrics(), 0.0))
    app.register_blueprint(inspection_blueprint(make_champions(*lives), "credit"))
    return app.test_client().get(path)


def test_the_default_model_and_one_by_name_tell_of_themselves() -> None:
    lives = make_live(), make_live("iris", "20261123t000000z-000002")
    assert ask("/v0/model_info", *lives).json["name"] == "credit"
    answered = ask("/v0/models/iris/model_info", *lives).json
    assert (answered["name"], answered["version"]) == ("iris", "20261123t000000z-000002")


def test_what_it_tells_is_the_artifacts() -> None:
    live = make_live()
    live.info["num_trees"] = 7
    answered = ask("/v0/model_info", live).json
    assert answered["num_trees"] == 7
    assert answered["classes"] == [False, True]
    assert answered["metrics"] == {"roc_auc": 0.5}
    assert answered["runtime"]["compiled"] is True
    assert answered["sha256"] == "0" * 64
    assert [f["name"] for f in answered["signature"]["features"]] == [
        "age",
        "income",
        "home",
        "records",
    ]
    assert "max_depth" not in answered  # a key that does not apply


@pytest.mark.parametrize("path", ["/v0/model_info", "/v0/models/iris/model_info"])
def test_a_model_that_is_not_there(path: str) -> None:
    answer = ask(path)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
