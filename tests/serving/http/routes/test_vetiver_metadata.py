"""What vetiver's API tells of the default model."""

from __future__ import annotations

import pytest
from flask import Flask

from serving.cors import Cors
from serving.http.routes.vetiver_metadata import vetiver_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds
from tests.serving.factory import make_champions, make_live


def client_of(*lives):
    app = Flask(__name__, static_folder=None)
    attend(app, RequestIds(), Cors(()), Observation(Metrics(), 0.0))
    app.register_blueprint(vetiver_blueprint(make_champions(*lives), "credit"))
    return app.test_client()


def test_it_tells_of_the_default_model():
    live = make_live()
    client = client_of(live, make_live("iris"))
    assert client.get("/metadata").json["version"] == live.version
    assert next(iter(client.get("/prototype").json["properties"])) == "age"


@pytest.mark.parametrize("path", ["/metadata", "/prototype"])
def test_without_it_there_is_nothing(path):
    assert client_of(make_live("iris")).get(path).status_code == 404
