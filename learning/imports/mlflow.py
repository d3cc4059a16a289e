"""MLflow's model folders: which file the model is, and what the folder tells of its rows.

A folder is described by its `MLmodel` file: https://mlflow.org/docs/latest/ml/model/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from errors import ModelFileError, ParseError
from learning.imports.example import Example, example_of
from tables.rows import parse_json
from tables.schema import Feature

NAME = "MLmodel"
LONGEST = 4 << 20
# What a flavour calls the file that its model is in, and the package that made it.
FILES: Mapping[str, str] = {
    "sklearn": "pickled_model",
    "lightgbm": "data",
    "xgboost": "data",
    "catboost": "data",
    "onnx": "data",
}
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "sklearn": ("scikit-learn",),
    "lightgbm": ("lightgbm", "scikit-learn"),
    "xgboost": ("xgboost", "xgboost-cpu", "scikit-learn"),
    "catboost": ("catboost",),
    "onnx": ("onnx", "onnxruntime"),
}
WHOLE = ("long", "integer")
_PINNED = re.compile(r"^\s*(?:- )?([A-Za-z0-9._-]+)={1,2}([0-9][A-Za-z0-9.+-]*)\s*$", re.M)


class Folder(NamedTuple):
    """A model's file, the example that lies beside it, and what made it."""

    flavour: str
    file: Path
    example: Example | None
    made_with: str


def folder_of(path: Path) -> Path | None:
    """Return the folder that a path, or the `MLmodel` file that it is, stands for; or None."""
    if path.name == NAME and path.is_file():
        return path.parent
    return path if (path / NAME).is_file() else None


def read_folder(folder: Path, target: str) -> Folder:
    """Return what a folder holds. Raises ModelFileError."""
    document = _document(folder)
    flavours = document.get("flavors")
    flavours = flavours if isinstance(flavours, dict) else {}
    flavour = next((name for name in FILES if name in flavours), None)
    if flavour is None:
        raise ModelFileError(f"the folder has none of these flavours: {', '.join(FILES)}")
    settings = flavours[flavour]
    named = settings.get(FILES[flavour]) if isinstance(settings, dict) else None
    file = _inside(folder, named, "a model's file")
    example = _example(folder, document, target)
    signed = example if example is None else _signed(example, _signature(document))
    return Folder(flavour, file, signed, _made_with(folder, flavour, document))


def _document(folder: Path) -> dict[str, Any]:
    import yaml

    text = _text(folder / NAME)
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        raise ModelFileError("the MLmodel file is damaged: it is no YAML") from None
    if not isinstance(document, dict):
        raise ModelFileError("the MLmodel file is damaged: it has no names")
    return document


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > LONGEST:
            raise ModelFileError(f"{file.name} has more than {LONGEST} bytes")
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise ModelFileError(f"{file.name} is damaged: it is no text") from None
    except OSError as error:
        raise ModelFileError(f"cannot read {file.name}: {error.strerror}") from None


def _inside(folder: Path, name: Any, what: str) -> Path:
    """Return a file of the folder. Raises ModelFileError for one that is elsewhere."""
    if not isinstance(name, str) or not name:
        raise ModelFileError(f"the MLmodel file names no {what.removeprefix('a ')}")
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise ModelFileError(f"the MLmodel file names {what} outside of its folder")
    if not file.is_file():
        raise ModelFileError(f"the folder has not {what} that its MLmodel file names")
    return file


# ---------------------------------------------------------------- rows


def _example(folder: Path, document: dict[str, Any], target: str) -> Example | None:
    told = document.get("saved_input_example_info")
    if not isinstance(told, dict) or told.get("artifact_path") is None:
        return None
    data = _inside(folder, told["artifact_path"], "an input example")
    try:
        rows = _rows(parse_json(_text(data).encode()))
    except (ParseError, TypeError, ValueError, KeyError):
        raise ModelFileError("the folder's input example has no rows as MLflow has them") from None
    return example_of(rows, target)


def _rows(given: Any) -> list[dict[str, Any]]:
    """Return rows of what MLflow writes: a frame as `split`, an array, or objects."""
    if isinstance(given, dict) and "columns" in given:
        names = [str(name) for name in given["columns"]]
        return [dict(zip(names, row, strict=True)) for row in given["data"]]
    if isinstance(given, dict) and "inputs" in given:
        given = given["inputs"]
    if isinstance(given, dict):
        given = [given]
    return [row if isinstance(row, dict) else _numbered(row) for row in given]


def _numbered(row: Sequence[Any]) -> dict[str, Any]:
    """Return a row of an array, which has no names: x0 and up."""
    return {f"x{index}": value for index, value in enumerate(list(row))}


def _signature(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the signature says of each column; none of arrays, which have no names."""
    signature = document.get("signature")
    inputs = signature.get("inputs") if isinstance(signature, dict) else None
    try:
        columns = msgspec.json.decode(inputs or "[]", type=list[dict[str, Any]])
    except (msgspec.DecodeError, TypeError):
        raise ModelFileError("the MLmodel file's signature is damaged") from None
    return {str(column["name"]): column for column in columns if "name" in column}


def _signed(example: Example, signature: dict[str, dict[str, Any]]) -> Example:
    """Return the example, its features as the signature has them."""
    columns = [[row[feature.name] for row in example.rows] for feature in example.features]
    told = [signature.get(feature.name, {}) for feature in example.features]
    features = map(_as_signed, example.features, columns, told)
    return example._replace(features=tuple(features))


def _as_signed(feature: Feature, values: Sequence[Any], told: dict[str, Any]) -> Feature:
    if told.get("required") is False:
        feature = replace(feature, nullable=True)
    if feature.kind != "number" or told.get("type") not in WHOLE:
        return feature
    if not all(value is None or float(value).is_integer() for value in values):
        return feature
    return replace(feature, kind="integer", example=int(feature.example))


# ---------------------------------------------------------------- versions


def _made_with(folder: Path, flavour: str, document: dict[str, Any]) -> str:
    """Return the versions that the folder tells: of MLflow, Python, and what made the model."""
    pinned: dict[str, str] = {}
    for name in ("conda.yaml", "requirements.txt"):
        if (folder / name).is_file():
            pinned |= {n.lower(): found for n, found in _PINNED.findall(_text(folder / name))}
    told = document.get("mlflow_version")
    named = {"mlflow": told if isinstance(told, str) else pinned.get("mlflow")}
    named |= {name: pinned.get(name) for name in (*PACKAGES[flavour], "python")}
    return ", ".join(f"{name} {found[:40]}" for name, found in named.items() if found)
