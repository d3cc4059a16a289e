"""The recorder itself, over a service without a model: nothing needs to be learnt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.wire.record import COMMANDS, record


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "store" / "models" / "iris").mkdir(parents=True)
    return tmp_path / "store"


@pytest.mark.parametrize("application", COMMANDS)
def test_two_recordings_of_one_tree_are_the_same(store: Path, application: str) -> None:
    first, second = (list(record(ROOT, store, "empty", application)) for _ in range(2))
    assert first == second
    answers = [json.loads(line) for line in first]
    assert (answers[0]["request"], answers[0]["status"]) == ("POST /v0/predict", 404)
