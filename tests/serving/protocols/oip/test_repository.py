"""The model repository extension: what is listed, and what may be loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import ModelUnknown
from serving.champions import Champions
from serving.model_folder import ModelFolder
from serving.protocols.oip.repository import Repository
from serving.refusals import RequestError
from tests.serving.factory import make_champions, make_live
from tests.serving.test_model_folder import open_folder, put, runtime

__all__ = ["runtime"]  # a fixture of every test here


def test_what_is_live_is_ready_and_what_cannot_be_loaded_says_why() -> None:
    live = make_live()
    champions = make_champions(live)
    champions._faults |= {"broken": "the artifact is damaged", "registry": "it cannot be seen"}
    repository = Repository(champions)
    ready = {"name": "credit", "version": live.version, "state": "READY", "reason": ""}
    broken = {"name": "broken", "version": "", "state": "UNAVAILABLE"}
    assert repository.index() == [broken | {"reason": "the artifact is damaged"}, ready]
    assert repository.index(ready=True) == [ready]


def test_without_a_folder_nothing_is_loaded_by_a_request() -> None:
    repository = Repository(make_champions(make_live()))
    for change in (repository.load, repository.unload):
        with pytest.raises(RequestError, match="MODELS_FOLDER"):
            change("credit")


def test_models_of_a_folder_are_listed_loaded_and_unloaded(tmp_path: Path) -> None:
    put(tmp_path, "one")
    put(tmp_path, "other")
    (tmp_path / "Not A Name" / "model").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    folder = ModelFolder(tmp_path, open_folder)
    champions = Champions(folder)
    folder.serve(champions)
    repository = Repository(champions, folder)

    def states() -> list[tuple[str, str, str]]:
        return [(one["name"], one["state"], one["reason"]) for one in repository.index()]

    unloaded = ("other", "UNAVAILABLE", "unloaded")
    assert states() == [("one", "UNAVAILABLE", "unloaded"), unloaded]
    repository.load("one")
    repository.load("one")  # as Triton does it, that is no fault
    assert states() == [("one", "READY", ""), unloaded]
    assert list(champions.lives) == ["one"]
    repository.unload("one")
    assert champions.lives == {}
    with pytest.raises(ModelUnknown):
        repository.unload("one")
    with pytest.raises(ModelUnknown):
        repository.load("nothing")


def test_a_folder_that_is_not_there_has_no_models(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path / "none", open_folder)
    assert Repository(Champions(folder), folder).index() == []
