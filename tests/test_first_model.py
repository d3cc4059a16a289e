"""The first model: an empty store is filled once, by whoever may, and no other store is touched."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest
import requests

import first_model
from config import Config, read_config
from first_model import provide_elsewhere, provide_first_model
from persistence.opening import open_registry
from tests.service import build, serve

KEY = "7f" * 32


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slug's folder, with a small model as post_compile leaves it."""
    folder = tmp_path_factory.mktemp("slug")
    build(folder / "models", "--set", "n_estimators=5")
    (folder / "models" / ".built").touch()
    return folder


def provided(**settings: str) -> list[str]:
    said: list[str] = []
    provide_first_model(read_config(settings), said.append)
    return said


def champion_of(config: Config) -> str | None:
    alias = open_registry(**config.registry).champion("credit")
    return alias.version if alias else None


def test_a_model_of_the_slug_is_copied_into_an_empty_store_once(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_model, "SLUG", built / "models")
    settings = {"MODEL_STORE": str(tmp_path / "models"), "SIGNING_KEY": KEY}
    assert provided(**settings) == ["the model store was empty: credit was copied from the slug"]
    built_version = champion_of(Config(model_store=str(built / "models")))
    assert champion_of(read_config(settings)) == built_version is not None
    assert provided(**settings) == []


def test_models_of_a_desk_are_not_copied(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = shutil.copytree(built, tmp_path / "desk")
    (desk / "models" / ".built").unlink()
    monkeypatch.setattr(first_model, "SLUG", desk / "models")
    settings = {"MODEL_STORE": str(tmp_path / "models"), "TRAINING_WORKER": "external"}
    (line,) = provided(**settings)
    assert line.startswith("the model store is empty: python build_model.py, or POST /v0/train")
    assert champion_of(read_config(settings)) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"MODELS_FOLDER": "models"},  # SageMaker's multi-model containers
        {"TRUSTED_KEYS": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},  # nothing to sign with
        {"MODEL_STORE": "/dev/null/models"},  # a folder that cannot be written
    ],
)
def test_nothing_is_trained_by_surprise(
    settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "run", pytest.fail)
    assert provided(**{"KEY_FOLDER": str(tmp_path / "keys"), **settings}) == []


@pytest.mark.parametrize("settings", [{"TRAINING_WORKER": "external"}, {"DEFAULT_MODEL": "mine"}])
def test_what_cannot_be_trained_here_is_told(
    settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", pytest.fail)
    (line,) = provided(MODEL_STORE=str(tmp_path / "models"), **settings)
    assert line.startswith("the model store is empty: python build_model.py, or POST /v0/train")


def test_a_training_without_an_end_does_not_keep_the_port_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert first_model.SECONDS == 45  # of the 60 that a dyno has to listen
    monkeypatch.setattr(first_model, "SECONDS", 0.01)
    *_, line = provided(MODEL_STORE=str(tmp_path / "models"))
    assert line.startswith("no first model in 0.01 s")


def test_a_store_that_is_away_ends_nothing() -> None:
    (line,) = provided(MODEL_STORE="postgres://nobody@127.0.0.1:9/none", SIGNING_KEY=KEY)
    assert line.startswith("no first model: the model store in PostgreSQL")


def test_gunicorn_alone_ends_with_a_model_and_trains_it_once(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    settings = {"TRAINING_WORKER": "embedded", "DEFAULT_MODEL": "iris"}
    logs = []
    for _ in range(2):
        with serve(folder, **settings) as service:
            answer = requests.get(f"{service.url}/v0/model_info", timeout=10)
            assert answer.status_code == 200, answer.text
            logs.append(service.log.read_text())
    assert ["iris is trained by its recipe" in log for log in logs] == [True, False]
    assert len(open_registry(str(folder)).versions("iris")) == 1


def said_elsewhere(monkeypatch: pytest.MonkeyPatch, **settings: str) -> list[str]:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    said: list[str] = []
    provide_elsewhere(said.append)
    return said


def test_a_store_elsewhere_is_looked_at_by_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = {"MODEL_STORE": "postgres://nobody@127.0.0.1:9/none", "SIGNING_KEY": KEY}
    (line,) = said_elsewhere(monkeypatch, **store)
    assert line.startswith("no first model: the model store in PostgreSQL")


def test_a_store_that_does_not_answer_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert first_model.LOOK_SECONDS == 10
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        store = f"postgres://nobody@127.0.0.1:{port}/none?connect_timeout=60"
        (line,) = said_elsewhere(monkeypatch, MODEL_STORE=store, SIGNING_KEY=KEY)
    assert line == "no first model: the model store did not answer in 10 s"
