"""The path that Vertex AI asks."""

from __future__ import annotations

from flask import Flask

from serving.http.routes.vertex_health import vertex_blueprint
from tests.serving.factory import make_champions, make_live


def test_it_is_well_when_the_default_model_is_live():
    path = "/v1/endpoints/12/deployedModels/34"
    for name, status in (("credit", 200), ("iris", 503)):
        app = Flask(__name__, static_folder=None)
        app.register_blueprint(vertex_blueprint(make_champions(make_live(name)), "credit", path))
        assert app.test_client().get(path).status_code == status
