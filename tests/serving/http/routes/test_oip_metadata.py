"""The Open Inference Protocol's health and metadata, in the protocol's own form."""

from __future__ import annotations

import pytest
from flask import Flask

from serving.cors import Cors
from serving.http.routes.oip_metadata import oip_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds
from tests.serving.factory import make_champions, make_live


def client_of(*lives):
    app = Flask(__name__, static_folder=None)
    attend(app, RequestIds(), Cors(()), Observation(Metrics(), 0.0))
    app.register_blueprint(oip_blueprint(make_champions(*lives)))
    return app.test_client()


@pytest.fixture
def client():
    return client_of(make_live())


def test_the_server_tells_of_itself(client):
    assert client.get("/v2").json["name"] == "mirante"
    assert "binary_tensor_data" in client.get("/v2").json["extensions"]


def test_health_is_liveness_and_readiness(client):
    assert client.get("/v2/health/live").json == {"live": True}
    assert client.get("/v2/health/ready").json == {"ready": True}
    assert client_of().get("/v2/health/live").status_code == 200
    assert client_of().get("/v2/health/ready").status_code == 503


def test_a_model_tells_its_tensors_by_name_and_by_version(client):
    answered = client.get("/v2/models/credit").json
    assert [one["name"] for one in answered["inputs"]] == ["age", "income", "home", "records"]
    (version,) = answered["versions"]
    assert client.get(f"/v2/models/credit/versions/{version}").json == answered
    assert client.get(f"/v2/models/credit/versions/{version}/ready").json["ready"] is True
    assert client.get("/v2/models/credit/ready").status_code == 200


@pytest.mark.parametrize("path", ["nobody", "nobody/ready", "credit/versions/1"])
def test_an_error_has_the_protocols_form(client, path):
    answer = client.get(f"/v2/models/{path}")
    assert answer.status_code == 404
    assert list(answer.json) == ["error"]
    assert answer.headers["X-Request-Id"]
