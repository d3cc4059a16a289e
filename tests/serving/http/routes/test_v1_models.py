"""What KServe's V1 and TensorFlow Serving tell of models."""

from __future__ import annotations

from flask import Flask

from serving.cors import Cors
from serving.http.routes.v1_models import v1_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds
from tests.serving.factory import make_champions, make_live


def client_of(*lives):
    app = Flask(__name__, static_folder=None)
    attend(app, RequestIds(), Cors(()), Observation(Metrics(), 0.0))
    app.register_blueprint(v1_blueprint(make_champions(*lives)))
    return app.test_client()


def test_the_live_models_are_listed():
    client = client_of(make_live("iris"), make_live())
    assert client.get("/v1/models").json == {"models": ["credit", "iris"]}
    assert client_of().get("/v1/models").json == {"models": []}


def test_a_model_is_ready_for_kserve_and_available_for_tensorflow():
    live = make_live()
    told = client_of(live).get("/v1/models/credit").json
    assert (told["name"], told["ready"]) == ("credit", True)
    (version,) = told["model_version_status"]
    assert (version["version"], version["state"]) == (live.version, "AVAILABLE")


def test_what_is_not_there_is_said_as_the_protocol_does():
    answer = client_of(make_live()).get("/v1/models/nobody")
    assert (answer.status_code, list(answer.json)) == (404, ["error"])


def test_a_path_that_predicts_is_no_model_s():
    client = client_of(make_live())
    client.application.add_url_rule(
        "/v1/models/<name>:predict", "predict", lambda name: name, methods=["POST"]
    )
    answer = client.get("/v1/models/credit:predict")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
