"""The models of a multi-model container: what is loaded is served, under its folder's name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from errors import ArtifactUntrusted, Conflict, MiranteError, ModelUnknown
from learning.trained import Golden, TrainedModel
from persistence.model_persistence import write_model
from persistence.opening import open_registry
from persistence.registry import Registry
from serving.champions import Champions
from serving.model_folder import ModelFolder
from tables.schema import Feature, Schema, Target
from tests.serving.factory import Sum

SIGNATURE = Schema((Feature("x", "number"),), Target("y", ("n", "p")))


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("persistence.model_persistence", "serving.champions"):
        monkeypatch.setattr(f"{module}.load_runtime", lambda *_: Sum(), raising=False)


def put(folder: Path, name: str, model: str = "iris") -> None:
    """Put a model into a folder as the platform unpacks it."""
    store = folder / name / "model"
    registry = open_registry(str(store), key_folder=str(store / "keys"))
    answers = Sum().outputs(type("B", (), {"matrix": np.ones((1, 1), np.float32)})())
    golden = Golden([{"x": 1}], answers.tolist())
    made = TrainedModel(SIGNATURE, "linear", True, {"model.linear": b""}, golden)
    version = write_model(registry, model, made)
    registry.promote(model, version)


def open_folder(folder: Path) -> Registry:
    return open_registry(str(folder), key_folder=str(folder / "keys"))


@pytest.fixture
def model_folder(tmp_path: Path) -> tuple[ModelFolder, Champions]:
    put(tmp_path, "0a1b")
    put(tmp_path, "other")
    made = ModelFolder(tmp_path, open_folder)
    champions = Champions(made)
    made.serve(champions)
    champions.refresh()
    return made, champions


def test_nothing_is_live_before_it_is_taken(model_folder):
    made, champions = model_folder
    assert champions.lives == {}
    made.load("0a1b")
    assert list(champions.lives) == ["0a1b"]
    assert champions.live("0a1b").name == "iris"


def test_a_model_is_taken_once_and_put_back_once(model_folder):
    made, champions = model_folder
    made.load("0a1b")
    made.load("other")
    with pytest.raises(Conflict):
        made.load("0a1b")
    made.unload("0a1b")
    assert list(champions.lives) == ["other"]
    with pytest.raises(ModelUnknown):
        made.unload("0a1b")
    made.load("0a1b")
    assert sorted(champions.lives) == ["0a1b", "other"]


@pytest.mark.parametrize("name", ["nobody", "..", "../0a1b", "", "0a1b/model", "A"])
def test_what_is_no_model_of_the_folder_is_unknown(model_folder, name):
    with pytest.raises(MiranteError):
        model_folder[0].load(name)
    assert model_folder[0].shown() == []


def test_a_folder_of_two_models_is_refused(model_folder, tmp_path):
    put(tmp_path, "0a1b", "credit")
    with pytest.raises(ModelUnknown, match="2 models"):
        model_folder[0].load("0a1b")


def test_a_model_whose_keys_do_not_fit_is_not_kept(model_folder, tmp_path):
    strangers = tmp_path / "other" / "model" / "keys"
    for name in ("signing.pem", "trusted"):
        (tmp_path / "0a1b/model/keys" / name).write_bytes((strangers / name).read_bytes())
    with pytest.raises(ArtifactUntrusted):
        model_folder[0].load("0a1b")
    assert model_folder[0].shown() == []
