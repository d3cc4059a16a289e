"""Takes the credit forest out of this service's artifact, for FastAPI to serve and to compare with.

`python -m benchmarks.export FOLDER` writes

    model.onnx       the same trees, compiled by skl2onnx as anybody would, over one float32 matrix
    compiled.onnx    the artifact's own member, which needs this service's runtime
    categories.json  each category feature's values, in the order of their codes
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from benchmarks.catalog import MODELS
from learning.compile.conversion import convert
from learning.runtimes.sklearn import load_estimator
from persistence.model_persistence import Model, read_model
from persistence.opening import open_registry
from tables.schema import Schema


def champion() -> Model:
    """Return the credit model that the benchmark's own store holds."""
    return read_model("credit", open_registry(str(MODELS)))


def export(folder: Path) -> None:
    """Write the three files."""
    model = champion()
    matrix = np.zeros((1, len(model.schema.numeric)), dtype=np.float32)
    plain = convert(load_estimator(model.artifact.members), matrix)
    (folder / "model.onnx").write_bytes(plain)
    (folder / "compiled.onnx").write_bytes(model.artifact.members["model.onnx"])
    (folder / "categories.json").write_text(json.dumps(codes(model.schema)))


def codes(schema: Schema) -> dict[str, list[str]]:
    """Return the values of each feature that is a category, or a boolean written as a word."""
    found = {f.name: list(f.categories) for f in schema.features if f.kind == "category"}
    booleans = {f.name: ["no", "yes"] for f in schema.features if f.kind == "boolean"}
    return {**found, **booleans}


if __name__ == "__main__":
    export(Path(sys.argv[1]))
