"""The Open Inference Protocol's health and metadata, in the protocol's own form."""

from __future__ import annotations

import pytest
from flask import Flask

from serving.auth import Guard, KeyRing, new_key
from serving.cors import Cors
from serving.http.routes.oip_metadata import oip_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.protocols.oip.repository import Repository
from serving.request_ids import RequestIds
from tests.serving.factory import make_champions, make_live

TOKEN, KEY = new_key("admin", ["admin"])


def client_of(*lives):
    app = Flask(__name__, static_folder=None)
    attend(app, RequestIds(), Cors(()), Observation(Metrics(), 0.0))
    champions = make_champions(*lives)
    guard = Guard(KeyRing([KEY.entry()]))
    app.register_blueprint(oip_blueprint(Repository(champions), champions, guard))
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


@pytest.mark.parametrize("path", ["/v2/", "/v2/models/credit/", "/v2/health/live/"])
def test_a_slash_at_the_end_is_ignored(client, path):
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/nothing", 404),
        ("GET", "/v2/models", 404),
        ("POST", "/v2", 405),
        ("DELETE", "/v2/models/credit", 405),
        ("POST", "/v2/repository/models/credit/load", 401),
        ("GET", "/v2/repository/index", 405),
    ],
)
def test_whatever_is_refused_has_the_protocols_form(client, method, path, status):
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.content_type) == (status, "application/json")
    assert list(answer.json) == ["error"]
    if status == 405:
        assert answer.headers["Allow"]


@pytest.mark.parametrize("body", [None, b"", b"{}", b'{"ready":true}', b'{"ready":null}'])
def test_the_models_are_listed(client, body):
    (model,) = client.post("/v2/repository/index", data=body).json
    assert (model["name"], model["state"], model["reason"]) == ("credit", "READY", "")
    assert client_of().post("/v2/repository/index").json == []


@pytest.mark.parametrize(
    ("body", "status"), [(b"[]", 400), (b'{"ready":1}', 400), (b" " * 5000, 413), (b"\xff", 400)]
)
def test_what_asks_for_no_list_is_refused(client, body, status):
    answer = client.post("/v2/repository/index", data=body)
    assert answer.status_code == status
    assert list(answer.json) == ["error"]


@pytest.mark.parametrize("what", ["load", "unload"])
def test_nothing_is_loaded_where_no_folder_is(client, what):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = client.post(f"/v2/repository/models/credit/{what}", json={}, headers=headers)
    assert answer.status_code == 400
    assert "MODELS_FOLDER" in answer.json["error"]
