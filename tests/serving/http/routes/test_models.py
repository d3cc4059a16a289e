from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from persistence.registry import Registry
from persistence.stores.memory import MemoryStore
from serving.cors import Cors
from serving.http.routes.models import models_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds
from tests.persistence.artifacts import make_artifact
from tests.serving.factory import make_champions, make_live


@pytest.fixture
def registry() -> Registry:
    """Two versions of the credit model, the older of which is champion."""
    made = Registry(MemoryStore())
    for version in ("v1", "v2"):
        made.register("credit", make_artifact(version))
    made.promote("credit", "v1")
    return made


@pytest.fixture
def client(registry: Registry) -> Any:
    app = Flask(__name__)
    attend(app, RequestIds(), Cors(("*",)), Observation(Metrics(), 0.0))
    champions = make_champions(make_live("iris"), make_live("credit"))
    app.register_blueprint(models_blueprint(champions, registry, "credit"))
    return app.test_client()


def test_live_models_are_listed_by_name_and_one_is_the_default(client: Any) -> None:
    listed = client.get("/v0/models").json["models"]
    assert [(model["name"], model["default"]) for model in listed] == [
        ("credit", True),
        ("iris", False),
    ]
    assert listed[0]["classes"] == [False, True]
    assert listed[0]["model_created_at"] == "2026-11-23T00:00:00Z"


def test_versions_are_listed_with_their_aliases(client: Any, registry: Registry) -> None:
    answered = client.get("/v0/models/credit/versions").json
    assert answered["name"] == "credit"
    assert answered["versions"] == [found._asdict() for found in registry.versions("credit")]
    assert sorted(found["version"] for found in answered["versions"]) == ["v1", "v2"]


def test_a_model_that_is_not_there(client: Any) -> None:
    answer = client.get("/v0/models/nobody/versions")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
