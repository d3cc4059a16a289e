"""MLflow's folders, as MLflow 2.22 and 3.17 wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from errors import ModelFileError
from learning.imports.mlflow import folder_of, read_folder

MLMODEL = """\
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    model_path: model.pkl
    predict_fn: predict
    python_version: 3.11.7
  sklearn:
    code: null
    pickled_model: model.pkl
    serialization_format: cloudpickle
    sklearn_version: 1.9.1
mlflow_version: 2.22.5
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  type: dataframe
signature:
  inputs: '[{"type": "double", "name": "height", "required": true}, {"type": "long",
    "name": "count", "required": false}, {"type": "boolean", "name": "new", "required":
    true}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}}]'
  params: null
"""
ROWS = {
    "columns": ["height", "count", "new"],
    "data": [[0.13, 5, True], [-0.5, 1, False]],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "MLmodel").write_text(MLMODEL)
    (tmp_path / "model.pkl").write_bytes(b"a model")
    (tmp_path / "input_example.json").write_text(json.dumps(ROWS))
    (tmp_path / "conda.yaml").write_text("dependencies:\n- python=3.11.7\n- pip:\n  - mlflow\n")
    (tmp_path / "requirements.txt").write_text("mlflow==2.22.5\nscikit-learn==1.9.1")
    return tmp_path


def test_the_file_the_example_and_the_versions_are_told(folder: Path) -> None:
    found = read_folder(folder, "y")
    assert (found.flavour, found.file.name) == ("sklearn", "model.pkl")
    assert found.made_with == "mlflow 2.22.5, scikit-learn 1.9.1, python 3.11.7"
    assert found.example is not None
    assert found.example.rows[0] == {"height": 0.13, "count": 5, "new": True}
    kinds = [(f.name, f.kind, f.nullable) for f in found.example.features]
    assert kinds == [
        ("height", "number", False), ("count", "integer", True), ("new", "boolean", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ({"inputs": [[1.5, 2.0], [0.5, 1.0]]}, [{"x0": 1.5, "x1": 2.0}, {"x0": 0.5, "x1": 1.0}]),
        ([{"a": 1.5}, {"a": 2.5}], [{"a": 1.5}, {"a": 2.5}]),
        ({"a": 1.5}, [{"a": 1.5}]),
    ],
)
def test_every_form_of_an_example_is_rows(content: Any, rows: Any, folder: Path) -> None:
    (folder / "input_example.json").write_text(json.dumps(content))
    example = read_folder(folder, "y").example
    assert example is not None
    assert example.rows == rows


def test_a_folder_is_known_by_its_file(folder: Path, tmp_path_factory: Any) -> None:
    assert folder_of(folder) == folder_of(folder / "MLmodel") == folder
    assert folder_of(folder / "model.pkl") is None
    assert folder_of(tmp_path_factory.mktemp("empty")) is None


def test_no_example_is_none(folder: Path) -> None:
    text = MLMODEL.replace("  artifact_path: input_example.json\n", "")
    (folder / "MLmodel").write_text(text)
    assert read_folder(folder, "y").example is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((MLMODEL, "a: [\n"), "is no YAML"),
        ((MLMODEL, "[1]"), "has no names"),
        ((MLMODEL, "a: !!python/object/apply:os.getcwd []"), "is no YAML"),
        (("  sklearn:", "  spark:"), "none of these flavours: sklearn, lightgbm"),
        (("pickled_model: model.pkl", "pickled_model: ../../etc/passwd"), "outside of its folder"),
        (("pickled_model: model.pkl", "pickled_model: /etc/passwd"), "outside of its folder"),
        (("pickled_model: model.pkl", "pickled_model: other.pkl"), "has not a model's file"),
        (("pickled_model: model.pkl", "pickled_model: null"), "names no model's file"),
        (("path: input_example.json", "path: ../x.json"), "an input example outside"),
        (("inputs: '[", "inputs: '[["), "signature is damaged"),
    ],
)
def test_what_is_damaged_or_elsewhere_is_one_line(change: Any, said: str, folder: Path) -> None:
    (folder / "MLmodel").write_text(MLMODEL.replace(change[0], change[1]))
    with pytest.raises(ModelFileError, match=said) as caught:
        read_folder(folder, "y")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[[1], 2]", "7", '{"columns": ["a"], "data": [[1, 2]]}'])
def test_an_example_of_no_rows_is_refused(content: str, folder: Path) -> None:
    (folder / "input_example.json").write_text(content)
    with pytest.raises(ModelFileError, match="example"):
        read_folder(folder, "y")
