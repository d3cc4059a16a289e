"""test_model.py: what it prints of a model, and what it says when there is none."""

from __future__ import annotations

import pytest

import build_model
import test_model


@pytest.fixture(autouse=True)
def _store(tmp_path, monkeypatch):
    monkeypatch.setenv("MODEL_STORE", str(tmp_path / "models"))
    monkeypatch.setenv("KEY_FOLDER", str(tmp_path / "keys"))


def test_it_prints_importances_in_order_and_one_prediction(capsys):
    assert build_model.main(["--set", "n_estimators=5"]) == 0
    capsys.readouterr()
    assert test_model.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("credit ")
    assert lines[0].endswith("RandomForestClassifier")
    found = [float(line.split()[1]) for line in lines[2:15]]
    assert found == sorted(found, reverse=True)
    assert lines[-1].startswith("approved: ")


def test_a_model_without_importances_of_its_own_has_those_by_shuffling(capsys):
    arguments = ["--data", "data/credit.csv", "--target", "approved", "--estimator", "boosting"]
    assert build_model.main([*arguments, "--set", "max_iter=5"]) == 0
    capsys.readouterr()
    assert test_model.main(["credit"]) == 0
    assert "seniority" in capsys.readouterr().out


def test_without_a_model_it_says_so_in_one_line(capsys):
    assert test_model.main([]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("test_model: ")
    assert err.count("\n") == 1


def test_a_version_can_be_asked_for(capsys):
    assert build_model.main(["--recipe", "iris", "--promote", "never"]) == 0
    version = capsys.readouterr().out.split()[1]
    assert test_model.main(["iris"]) == 1
    assert test_model.main(["iris", "--version", version]) == 0
    assert version in capsys.readouterr().out
