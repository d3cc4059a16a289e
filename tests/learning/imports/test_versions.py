from __future__ import annotations

import io
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from errors import EquivalenceError, ModelFileError
from learning.imports import versions
from learning.imports.example import Example
from learning.imports.versions import Converted, import_with, installed, packages_of
from tables.schema import Feature
from tests.conftest import require

ROWS = np.column_stack([np.arange(60) % 7, np.arange(60) % 5]).astype(float)
FEATURES = (Feature("a", "number", example=1.0), Feature("b", "number", example=2.0))
EXAMPLE = Example(FEATURES, [{"a": a, "b": b} for a, b in ROWS.tolist()], None)


def pickled() -> bytes:
    buffer = io.BytesIO()
    classes = np.where(ROWS.sum(axis=1) > 5, "yes", "no")
    joblib.dump(LogisticRegression().fit(ROWS, classes), buffer)
    return buffer.getvalue()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """This environment in place of one that pip would take minutes to make."""
    monkeypatch.setattr(versions, "installed", lambda folder, packages: Path(sys.executable))


def test_an_old_version_gets_the_numpy_that_it_was_built_for() -> None:
    assert packages_of("scikit-learn==1.2.2")[0] == "scikit-learn==1.2.2"
    assert "numpy<2" in packages_of("scikit-learn==1.4.2")
    assert not any("numpy" in package for package in packages_of("scikit-learn==1.5"))
    for wanted in ("pandas==1.0", "scikit-learn", "scikit-learn==1.2.2 evil", "-r evil.txt"):
        with pytest.raises(ModelFileError, match=r"such as scikit-learn==1\.2\.2"):
            packages_of(wanted)


def test_what_cannot_be_installed_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"no wheel from 3\.11 on") as caught:
        installed(tmp_path / "environment", ["scikit-learn==0.99.9"])
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("here")
def test_a_classifier_comes_back_as_a_graph() -> None:
    made = import_with("scikit-learn==1.2.2", pickled(), EXAMPLE, "y")
    assert (made.runtime_name, made.schema.target.classes) == ("onnx", ("no", "yes"))
    assert made.origin["imported_from"] == "a pickle, by scikit-learn==1.2.2"
    assert made.origin["read_in"] in ("namespaces", "user", "limits")
    assert versions.TOLERANCE == 1e-4


@pytest.mark.usefixtures("here")
def test_columns_are_the_model_s_in_its_order() -> None:
    require(find_spec("pandas") is not None, "pandas", "pip install -r requirements-catboost.txt")
    frame = import_module("pandas").DataFrame(ROWS[:, ::-1], columns=["b", "a"])
    model = LogisticRegression().fit(frame, ROWS[:, 0] > 3)
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    made = import_with("scikit-learn==1.2.2", buffer.getvalue(), EXAMPLE, "y")
    assert [feature.name for feature in made.schema.features] == ["b", "a"]
    np.testing.assert_allclose(made.probabilities, model.predict_proba(frame)[:20], atol=1e-5)


@pytest.mark.usefixtures("here")
def test_another_s_answers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    real = versions.converted_by

    def lying(*given: Any) -> Converted:
        found = real(*given)
        found.outputs[0] = found.outputs[0][::-1]
        return found

    monkeypatch.setattr(versions, "converted_by", lying)
    with pytest.raises(EquivalenceError, match="does not answer as the model did"):
        import_with("scikit-learn==1.2.2", pickled(), EXAMPLE, "y")


@pytest.mark.usefixtures("here")
def test_text_and_what_fails_there_are_one_line() -> None:
    words = Example((Feature("a", "text", example="x"),), [{"a": "x"}], None)
    with pytest.raises(ModelFileError, match="has text in a"):
        import_with("scikit-learn==1.2.2", pickled(), words, "y")
    with pytest.raises(ModelFileError, match="cannot be taken in") as caught:
        import_with("scikit-learn==1.2.2", b"\x80\x04N.", EXAMPLE, "y")
    assert "\n" not in str(caught.value)
