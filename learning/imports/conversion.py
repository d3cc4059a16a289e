"""A pickle of another scikit-learn as a graph: what runs in an environment of that version.

It is a program of the standard library and of what `learning.imports.versions` installs beside
that scikit-learn; of this project it needs nothing but the confinement.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

from learning.imports.confinement import confine

ROOT = Path(__file__).resolve().parents[2]
# Of the project, the process sees these alone.
CODE = ("learning/__init__.py", "learning/imports/__init__.py", "learning/imports/confinement.py")


def main(folder: str) -> None:
    """Read `model` in the folder, and answer with its graph and its answers for `rows`."""
    work = Path(folder)
    answer = os.dup(1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    confined = confine(tuple(ROOT / name for name in CODE), work)
    import joblib

    task = json.loads(Path(work, "task").read_text())
    estimator = joblib.load(work / "model")
    made = {**converted(estimator, task["names"], task["rows"]), "confined": confined}
    with os.fdopen(answer, "w") as file:
        json.dump(made, file)


def converted(estimator: Any, names: list[str], rows: list[list[float]]) -> dict[str, Any]:
    """Return the graph of a classifier, the order of its columns, and its probabilities.

    Raises SystemExit with the reason, where there is none.
    """
    import numpy as np
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    if not hasattr(estimator, "predict_proba"):
        sys.exit(f"{type(estimator).__name__} is not a classifier with probabilities")
    own = getattr(estimator, "feature_names_in_", None)
    order = list(names) if own is None else [str(name) for name in own]
    if sorted(order) != sorted(names):
        sys.exit(f"the model reads {', '.join(order)}; the example has other columns")
    matrix = np.array(rows, np.float32)[:, [names.index(name) for name in order]]
    # What is no pipeline takes one input; a pipeline may ask for its columns by name.
    steps = getattr(estimator, "steps", None)
    kinds = [("rows", FloatTensorType([None, len(order)]))]
    if own is not None and steps:
        kinds = [(name, FloatTensorType([None, 1])) for name in order]
    last = steps[-1][1] if steps else estimator
    graph = convert_sklearn(estimator, initial_types=kinds, options={id(last): {"zipmap": False}})
    answered = estimator.predict_proba(_framed(matrix, order) if own is not None else matrix)
    data = base64.b64encode(graph.SerializeToString()).decode()
    return {"graph": data, "order": order, "outputs": np.asarray(answered, float).tolist()}


def _framed(matrix: Any, names: list[str]) -> Any:
    return import_module("pandas").DataFrame(matrix, columns=names)


if __name__ == "__main__":
    main(*sys.argv[1:])
