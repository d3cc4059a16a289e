"""The wiring: a service from its settings, under WSGI and ASGI."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import app
from app import create_app, create_asgi, refuse_bad_settings
from config import Config, read_config
from persistence.opening import open_registry
from tests.service import CREDIT_ROW, build
from tests.serving.protocols import throw_away
from tests.serving.transports import JSON, by_wsgi, call, whole


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("app") / "models"
    build(folder, "--set", "n_estimators=5")
    return folder


@pytest.fixture
def config(store: Path) -> Config:
    database = f"sqlite:///{store.parent}/jobs.db"
    return read_config({"MODEL_STORE": str(store), "DATABASE_URL": database})


def test_an_application_answers_for_the_champion(config: Config, store: Path) -> None:
    flask = create_app(config)
    try:
        answer: Any = flask.test_client().post("/v0/predict", json=CREDIT_ROW)
        champion = open_registry(str(store)).champion("credit")
        assert champion is not None
        assert answer.json["model"] == {"name": "credit", "version": champion.version}
    finally:
        flask.extensions["mirante"].champions.stop()


@pytest.mark.parametrize(
    ("predict", "health"),
    [
        # What Vertex AI sets where the container's owner names no route.
        ("/v1/endpoints/12/deployedModels/34:predict", "/v1/endpoints/12/deployedModels/34"),
        # Paths that are other protocols' here.
        ("/predict", "/health"),
    ],
)
def test_vertex_asks_where_it_says(store: Path, predict: str, health: str) -> None:
    routes = {"AIP_PREDICT_ROUTE": predict, "AIP_HEALTH_ROUTE": health}
    flask = create_app(read_config({"MODEL_STORE": str(store), **routes}))
    client = flask.test_client()
    try:
        assert client.get(health).status_code == 200
        answer: Any = client.post(predict, json={"instances": [CREDIT_ROW] * 2, "parameters": {}})
        assert len(answer.json["predictions"]) == 2, answer.json
        refused: Any = client.post(predict, json=CREDIT_ROW)
        assert refused.json.keys() == {"error"}
    finally:
        flask.extensions["mirante"].champions.stop()


def test_the_settings_reach_what_they_are_of(config: Config, store: Path) -> None:
    settings = {"MAX_ROWS": "1", "DEFAULT_MODEL": "other", "CORS_ORIGINS": "https://a.example"}
    flask = create_app(read_config({"MODEL_STORE": str(store), **settings}))
    client = flask.test_client()
    try:
        assert client.post("/v0/predict", json=CREDIT_ROW).status_code == 404
        path, headers = "/v0/models/credit/predict", {"Origin": "https://b.example"}
        assert client.post(path, json=[CREDIT_ROW] * 2).status_code == 413
        answer = client.post(path, json=CREDIT_ROW, headers=headers)
        assert answer.status_code == 200
        assert "Access-Control-Allow-Origin" not in answer.headers
    finally:
        flask.extensions["mirante"].champions.stop()


def test_the_asgi_application_loads_when_its_worker_starts(config: Config) -> None:
    application = create_asgi(config)
    service = application._service
    assert service.champions.lives == {}
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    loaded: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        loaded.append((message["type"], sorted(service.champions.lives)))

    asyncio.run(application({"type": "lifespan"}, receive, send))
    assert loaded[0] == ("lifespan.startup.complete", ["credit"])
    assert loaded[1][0] == "lifespan.shutdown.complete"


@pytest.mark.parametrize("name", ["MAX_ROWS", "MODEL_STORE", "DATABASE_URL", "SIGNING_KEY"])
def test_a_bad_setting_ends_the_process_with_one_line_that_does_not_show_it(
    monkeypatch: pytest.MonkeyPatch, name: str, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, "geheim://x")
    with pytest.raises(SystemExit) as ended:
        refuse_bad_settings()
    line = str(ended.value)
    assert line.startswith("mirante: ")
    assert "\n" not in line
    assert "geheim" not in line


def test_a_server_that_asks_whether_it_is_a_factory_builds_nothing() -> None:
    # uvicorn does, in every worker, which would then hold each model twice.
    app._wsgi_application.cache_clear()
    with pytest.raises(TypeError):
        app.app()
    assert app._wsgi_application.cache_info().currsize == 0


def test_importing_it_builds_nothing_and_loads_nothing(tmp_path: Path, root: Path) -> None:
    code = (
        "import json, sys, threading; import app;"
        "heavy = ('sklearn', 'onnxruntime', 'pandas', 'pyarrow', 'fastexcel', 'opentelemetry');"
        "print(json.dumps([app._asgi_application.cache_info().currsize,"
        " threading.active_count(), [m for m in heavy if m in sys.modules]]))"
    )
    environ = {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1", "MAX_ROWS": "nonsense"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == [0, 1, []]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("asked", [False, True])
def test_opentelemetry_is_loaded_where_its_variables_ask_for_it(tmp_path, root, asked):
    code = (
        "import sys; from app import create_app; from config import read_config; import os;"
        "create_app(read_config(os.environ));"
        "print([m for m in ('opentelemetry', 'requests') if m in sys.modules])"
    )
    environ = {
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MODEL_STORE": str(tmp_path / "models"),
        "DATABASE_URL": f"sqlite:///{tmp_path}/jobs.db",
    }
    if asked:
        environ["OTEL_TRACES_EXPORTER"] = "console"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert ("opentelemetry" in done.stdout) is asked


def test_a_protocol_is_one_file_and_one_name_in_the_wiring(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "PROTOCOLS", (*app.PROTOCOLS, throw_away))
    flask, asgi = create_app(config), create_asgi(config)
    parts = flask.extensions["mirante"]
    path, body = "/throw-away/credit", json.dumps(CREDIT_ROW).encode()
    try:
        asgi._service.champions.refresh()
        for answer in (
            by_wsgi(flask, "POST", path, JSON, body),
            asyncio.run(call(asgi, "POST", path, JSON, whole(body))),
        ):
            assert (answer.status, answer.headers["content-type"]) == (200, "text/plain")
            assert answer.body in (b"false", b"true")
        missing = by_wsgi(flask, "POST", "/throw-away/nobody", JSON, body)
        assert (missing.status, missing.json["title"]) == (404, "Not Found")
        described: Any = flask.test_client().get("/v0/openapi.json").json
        assert described["paths"][path]["post"]["tags"] == ["Throw-away"]
        about = str(throw_away.__doc__)
        assert {"name": "Throw-away", "description": about} in described["tags"]
        assert 'route="/throw-away/{name}",status="200"' in parts.metrics.exposition().decode()
    finally:
        parts.champions.stop()
