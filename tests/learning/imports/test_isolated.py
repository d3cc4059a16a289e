from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from errors import ModelFileError
from learning.imports import isolated
from learning.imports.example import Example, read_example
from learning.imports.isolated import import_pickle


class Deed:
    """A pickle that does something when it is read."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        """Call what was given."""
        return self.call[0], self.call[1:]


@pytest.fixture
def example(tmp_path: Path) -> Example:
    file = tmp_path / "row.json"
    file.write_text('{"height": 1.5, "count": 2}')
    return read_example(file, "answer")


def saved(folder: Path, deed: Any) -> Path:
    file = folder / "model.pkl"
    file.write_bytes(pickle.dumps(deed))
    return file


def test_an_estimator_comes_out_of_the_other_process(tmp_path: Path, example: Example) -> None:
    rows = np.random.default_rng(0).normal(size=(50, 2))
    fitted = LogisticRegression().fit(rows, rows[:, 0] > 0)
    joblib.dump(fitted, tmp_path / "model.joblib")
    made = import_pickle(tmp_path / "model.joblib", example, "answer")
    assert made.schema.target.classes == (False, True)
    expected = fitted.predict_proba([[1.5, 2.0]])
    assert made.probabilities == pytest.approx(expected, abs=1e-6)


def test_it_is_read_elsewhere_and_without_our_secrets(
    tmp_path: Path, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNING_KEY", "secret")
    seen = tmp_path / "seen"
    with pytest.raises(ModelFileError):
        import_pickle(saved(tmp_path, Deed(os.system, f"echo $PPID; env > {seen}")), example, "y")
    environ = seen.read_text()
    assert "secret" not in environ
    assert "PATH=" in environ


def test_a_process_that_fails_is_one_line(tmp_path: Path, example: Example) -> None:
    with pytest.raises(ModelFileError, match=r"^the file cannot be taken in: .*FileNotFoundError"):
        import_pickle(tmp_path / "nowhere.pkl", example, "y")
    with pytest.raises(ModelFileError, match=r"^the file cannot be taken in: it ended$"):
        import_pickle(saved(tmp_path, Deed(os._exit, 3)), example, "y")


def test_a_process_that_does_not_end_is_ended(
    tmp_path: Path, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated, "TIME_LIMIT", 0.2)
    with pytest.raises(ModelFileError, match=r"longer than 0\.2 s"):
        import_pickle(saved(tmp_path, Deed(os.system, "sleep 5")), example, "y")
