from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from errors import FormatMismatch
from learning.compile.compilation import compile
from learning.families.forest import forest
from learning.families.logistic import logistic
from learning.runtimes import load_runtime
from learning.runtimes.sklearn import estimator_input
from tests.learning.samples import batch, schema, target

SERVE = """
import pickle, sys
from learning.runtimes import load_runtime
from tables.batch import Batch
name, members, batch = pickle.load(open(sys.argv[1], "rb"))
load_runtime(name, members).outputs(Batch(*batch))
heavy = {"sklearn", "scipy", "pandas", "skl2onnx", "onnx", "skops", "joblib", "onnxruntime"}
print(sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("make", "texts", "loaded"),
    [(forest, 0, "['onnxruntime']"), (logistic, 0, "[]"), (logistic, 1, "[]")],
    ids=["forest", "linear", "text"],
)
def test_a_compiled_model_is_served_without_scikit_learn(
    make: object, texts: int, loaded: str, tmp_path: Path, root: Path
) -> None:
    described, rows = schema(texts=texts), batch(200, texts=texts)
    estimator = make(described, 0)  # type: ignore[operator]
    estimator.fit(estimator_input(rows), target(rows))
    found = compile(estimator, described, [rows])
    given = tmp_path / "given"
    given.write_bytes(pickle.dumps((found.runtime_name, found.members, tuple(rows))))
    done = subprocess.run(
        [sys.executable, "-c", SERVE, given], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == loaded


def test_a_runtime_of_another_release_is_refused() -> None:
    with pytest.raises(FormatMismatch, match="no runtime of this release"):
        load_runtime("os", {})
