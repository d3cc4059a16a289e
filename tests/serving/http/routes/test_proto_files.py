"""The route of a model's .proto text."""

from __future__ import annotations

import pytest
from flask import Flask

from errors import ModelUnknown
from serving.grpc.protos.proto import render
from serving.grpc.protos.typed import typed_proto
from serving.http.routes.proto_files import proto_blueprint
from tests.serving.factory import SIGNATURE, make_champions, make_live


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.testing = True
    app.register_blueprint(proto_blueprint(make_champions(make_live())))
    return app


def test_it_is_the_live_models(app: Flask) -> None:
    answer = app.test_client().get("/v0/models/credit/proto")
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text == render(typed_proto("credit", SIGNATURE))
    assert "  optional string home = 3;" in answer.text.splitlines()


def test_a_model_that_is_not_live_has_none(app: Flask) -> None:
    with pytest.raises(ModelUnknown):
        app.test_client().get("/v0/models/none/proto")
