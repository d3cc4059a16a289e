"""XGBoost as a family: compiled and proven, for classes and quantities, without the library."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from errors import DependencyError, RecipeError
from learning import boosters
from learning.compile.compilation import compile
from learning.families.xgboost import xgboost
from learning.progress import SilentProgress
from learning.runtimes.sklearn import SKOPS
from learning.training import fit
from tables.batch import Batch
from tables.dataset import read_dataset
from tables.table import Table
from tests.learning.tables import mixed_table, without

PLAIN = without(mixed_table(300), "comment")


def with_target(values: list[object]) -> Table:
    return Table({**PLAIN.columns, "stays": values})


AGES = [int(str(age)) for age in PLAIN.columns["age"]]
TABLES = {
    "two classes": PLAIN,
    "three classes": with_target([f"c{age % 3}" for age in AGES]),
    "a quantity": with_target([age * 3.25 + (age * 7) % 11 for age in AGES]),
    "too few to hold out": Table({name: cells[:60] for name, cells in PLAIN.columns.items()}),
}


@pytest.mark.parametrize("name", TABLES)
def test_it_is_compiled_and_proven(name):
    dataset = read_dataset(TABLES[name], "stays")
    made = fit(xgboost(dataset.schema, 0), dataset, SilentProgress())
    compiled = compile(made, dataset.schema, [dataset.batch])
    assert compiled.runtime_name == "onnx", compiled.reason
    assert SKOPS in compiled.members
    assert compiled.parity is not None
    assert compiled.parity["largest_difference"] < 1e-5


def test_the_same_seed_gives_the_same_model():
    dataset = read_dataset(PLAIN, "stays")
    one, other = (fit(xgboost(dataset.schema, 3), dataset, SilentProgress()) for _ in range(2))
    assert one[-1].text_ == other[-1].text_
    assert np.argmax(one[-1].feature_importances_) == 0


def test_it_reads_no_text():
    with pytest.raises(RecipeError, match="comment is text"):
        xgboost(read_dataset(mixed_table(), "stays").schema, 0)


def test_a_library_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(DependencyError, match="pip install"):
        boosters.xgboost_library()


def test_a_code_never_seen_goes_where_missing_ones_go():
    dataset = read_dataset(without(mixed_table(300), "comment", "age", "income", "vip"), "stays")
    made = fit(xgboost(dataset.schema, 0), dataset, SilentProgress())
    compiled = compile(made, dataset.schema, [dataset.batch])
    asked = np.array([[-1.0], [np.nan], [0.0]], np.float32)
    for found in (made.predict_proba(asked), compiled.runtime.outputs(Batch(asked))):
        assert found[0] == pytest.approx(found[1], abs=1e-6)
        assert found[0, 0] != pytest.approx(found[2, 0], abs=1e-3)
