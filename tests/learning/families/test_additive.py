"""The default learner as a family: compiled and proven, whatever the table holds."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from learning.compile.compilation import compile
from learning.families import find_family
from learning.families.additive import additive
from learning.inspection import feature_importances
from learning.progress import SilentProgress
from learning.training import fit
from tables.batch import Batch
from tables.dataset import read_dataset
from tables.table import Table
from tests.learning.tables import dated_table, mixed_table, without


def three_classes() -> Table:
    table = mixed_table(300)
    ages = table.columns["age"]
    return Table({**table.columns, "stays": [f"c{int(age) % 3}" for age in ages]})


TABLES = {
    "every kind": (mixed_table(300), "stays"),
    "no text": (without(mixed_table(300), "comment"), "stays"),
    "texts alone": (without(mixed_table(300), "age", "income", "vip", "plan"), "stays"),
    "dates": (dated_table(), "busy"),
    "three classes": (three_classes(), "stays"),
}


@pytest.mark.parametrize("name", TABLES)
def test_it_is_compiled_and_proven(name):
    dataset = read_dataset(*TABLES[name])
    made = fit(additive(dataset.schema, 0), dataset, SilentProgress())
    compiled = compile(made, dataset.schema, [dataset.batch])
    assert compiled.runtime_name == "additive", compiled.reason
    assert compiled.parity is not None
    assert compiled.parity["largest_difference"] < 1e-6
    one = Batch(dataset.batch.matrix[:1], tuple(texts[:1] for texts in dataset.batch.texts))
    alone, among = compiled.runtime.outputs(one), compiled.runtime.outputs(dataset.batch)[:1]
    assert np.allclose(alone, among, atol=1e-12)


def test_far_from_the_table_the_linear_term_stays_near_it():
    x = np.linspace(0, 1, 400)
    cells = {"x": [f"{v:.4f}" for v in x], "y": ["a" if v < 0.5 else "b" for v in x]}
    dataset = read_dataset(Table(cells), "y")
    made = fit(additive(dataset.schema, 0), dataset, SilentProgress())
    compiled = compile(made, dataset.schema, [dataset.batch])
    far = Batch(np.array([[1.0], [1e6], [1e30]], np.float32))
    scores = made.scores(far.matrix)
    assert abs(scores[2, 0]) < 2 * abs(scores[0, 0]) + 1
    assert np.allclose(compiled.runtime.outputs(far), made.predict_proba(far.matrix), atol=1e-9)


def test_importances_are_of_the_features_that_matter():
    dataset = read_dataset(without(mixed_table(400), "comment"), "stays")
    made = fit(additive(dataset.schema, 0), dataset, SilentProgress())
    found = feature_importances(made, dataset.schema, dataset)
    assert found is not None
    assert next(iter(found)) == "age"
    family = find_family("additive")
    assert family.size(made)["num_trees"] > 10
    assert family.losses(made)["pool"] < family.losses(made)["base rate"]


def test_making_one_and_reading_its_family_imports_no_library_that_learns():
    code = (
        "import sys\n"
        "from learning.estimators import estimators\n"
        "from learning.runtimes import additive\n"
        "assert not {'sklearn', 'scipy', 'pandas', 'lightgbm'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
