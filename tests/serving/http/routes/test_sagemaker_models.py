"""SageMaker's other routes: ping, execution parameters, models."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from errors import Conflict
from serving.cors import Cors
from serving.http.routes.sagemaker_models import sagemaker_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds
from tests.serving.factory import make_champions, make_live


class OneModel:
    """A folder of one model, and what is loaded of it."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def load(self, name: str) -> None:
        """Take it once."""
        if name in self.loaded:
            raise Conflict("the model is loaded already")
        self.loaded.append(name)

    def unload(self, name: str) -> None:
        """Put it back."""
        self.loaded.remove(name)


def client_of(*names: str, model_folder: Any = None, models_folder: str = ""):
    app = Flask(__name__, static_folder=None)
    attend(app, RequestIds(), Cors(()), Observation(Metrics(), 0.0))
    app.register_blueprint(
        sagemaker_blueprint(
            make_champions(*(make_live(name) for name in names)),
            default_model="credit",
            max_in_flight=7,
            max_body_bytes=6 * 1024 * 1024,
            model_folder=model_folder,
            models_folder=models_folder,
        )
    )
    return app.test_client()


def test_ping_is_empty_and_well_when_the_model_is_live():
    answer = client_of("credit").get("/ping")
    assert (answer.status_code, answer.data) == (200, b"")
    assert client_of("iris").get("/ping").status_code == 503
    # What boto3, curl and the platform accept.
    assert client_of("credit").get("/ping", headers={"Accept": "*/*"}).data == b""


def test_ping_is_answered_as_vetiver_does_to_who_names_json():
    # R's httr accepts this.
    accept = {"Accept": "application/json, text/xml, application/xml, */*"}
    assert client_of("credit").get("/ping", headers=accept).json == {"ping": "pong"}
    assert client_of("iris").get("/ping", headers=accept).status_code == 503


def test_a_container_of_many_models_is_well_with_none():
    assert client_of(model_folder=OneModel()).get("/ping").status_code == 200


def test_execution_parameters_are_the_services_own_limits():
    assert client_of().get("/execution-parameters").json == {
        "MaxConcurrentTransforms": 7,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": 6,
    }


def test_the_loaded_models_are_listed_and_told_one_by_one():
    client = client_of("credit", "iris")
    assert [m["modelName"] for m in client.get("/models").json["models"]] == ["credit", "iris"]
    assert client.get("/models/iris").json["modelName"] == "iris"
    assert client.get("/models/nobody").status_code == 404


def test_the_list_has_pages_and_the_last_has_no_token():
    names = [f"model{number}" for number in range(5)]
    client = client_of(*names)
    told, token = [], ""
    for _ in range(3):
        page = client.get("/models", query_string={"limit": 2, "next_page_token": token}).json
        told += [model["modelName"] for model in page["models"]]
        token = page.get("nextPageToken", "")
        assert bool(token) == (len(told) < 5)
    assert told == names
    assert "nextPageToken" not in client.get("/models").json


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "two", "", "1e3", "²"])
def test_a_limit_that_is_none_is_refused(limit):
    answer = client_of("credit").get("/models", query_string={"limit": limit})
    assert answer.status_code == 400


def test_a_model_s_url_is_where_the_platform_has_put_it():
    folder = "/opt/ml/models"
    client = client_of("credit", models_folder=folder)
    entry = {"modelName": "credit", "modelUrl": f"{folder}/credit/model"}
    assert client.get("/models").json == {"models": [entry]}
    assert client.get("/models/credit").json == entry


def test_models_are_loaded_and_unloaded_only_from_a_shelf():
    order = {"model_name": "credit", "url": "/opt/ml/models/credit/model"}
    assert client_of().post("/models", json=order).status_code == 405
    model_folder = OneModel()
    client = client_of("credit", model_folder=model_folder)
    assert client.post("/models", json=order).status_code == 200
    assert client.post("/models", json=order).status_code == 409
    assert client.delete("/models/credit").status_code == 200
    assert model_folder.loaded == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model_name": 3}'])
def test_a_load_that_names_no_model_is_refused(body):
    assert client_of(model_folder=OneModel()).post("/models", data=body).status_code == 400


def test_a_body_too_large_to_name_a_model_is_refused_unread():
    client = client_of(model_folder=OneModel())
    answer = client.post("/models", data=b'{"model_name": "' + b"a" * 5000 + b'"}')
    assert answer.status_code == 413
    assert client.get("/models").get_json()["models"] == []
