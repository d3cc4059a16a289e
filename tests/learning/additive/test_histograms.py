"""The default learner where LightGBM cannot be loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from learning.additive import estimator
from learning.compile.compilation import compile
from learning.families.additive import additive
from learning.progress import SilentProgress
from learning.runtimes.sklearn import SKOPS, dump
from learning.tasks import read_target
from learning.training import fit
from tables.dataset import read_dataset
from tests.learning.tables import mixed_table, without


class Told(SilentProgress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.mark.parametrize("target", ["stays", "age", "plan"])
def test_scikit_learn_stands_in_and_it_is_said_what_to_install(target, monkeypatch):
    monkeypatch.setattr(estimator, "is_lightgbm_there", lambda: False)
    dataset = read_dataset(mixed_table(300), target, read_target=read_target(None))
    told = Told()
    made = fit(additive(dataset.schema, 0), dataset, told)
    assert any("apt-get install libgomp1" in note for note in told.notes)
    assert set(made.losses_) == {"forest_a", "linear", "pool", "base rate"}
    compiled = compile(made, dataset.schema, [dataset.batch])
    assert compiled.runtime_name == "additive", compiled.reason
    assert list(dump(made)) == [SKOPS]


def test_a_library_that_cannot_be_loaded_is_no_end_of_the_training(tmp_path: Path, root: Path):
    """As on a machine without libgomp: the import itself raises OSError."""
    package = tmp_path / "lightgbm"
    package.mkdir()
    (package / "__init__.py").write_text("raise OSError('libgomp.so.1: cannot open')\n")
    table = tmp_path / "t.csv"
    columns = without(mixed_table(200), "comment").columns
    lines = [
        ",".join("" if v is None else str(v) for v in row)
        for row in zip(*columns.values(), strict=True)
    ]
    table.write_text("\n".join([",".join(columns), *lines, ""]))
    done = subprocess.run(
        [sys.executable, "build_model.py", "--data", table, "--target", "stays"],
        cwd=root,
        env={"PYTHONPATH": str(tmp_path), "MODEL_STORE": str(tmp_path / "models"), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "AdditiveClassifier" in done.stdout
    assert "apt-get install libgomp1" in done.stdout
