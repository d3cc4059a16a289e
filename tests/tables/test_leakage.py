"""Leakage: features that alone tell the label are named, others are not."""

from __future__ import annotations

import numpy as np
import pytest

from recipes import find_recipe
from tables.dataset import read_dataset
from tables.leakage import leaking_features
from tables.strata import sampled
from tables.table import Table

ROWS = 300
RANDOM = np.random.default_rng(0)
LABEL = RANDOM.integers(0, 3, ROWS)


def leaks(dataset):
    names = [feature.name for feature in dataset.schema.numeric]
    return leaking_features(dataset.batch.matrix, dataset.target, names)


@pytest.mark.parametrize(
    "cells",
    [
        LABEL * 10 + 5,
        LABEL * 10 + RANDOM.random(ROWS),
        np.array(["b", "c", "a"])[LABEL],
        [None if i == 0 else i for i in LABEL.tolist()],
        np.where(np.arange(ROWS) % 150 == 0, 9, LABEL),
    ],
    ids=["integer", "number", "category", "missing", "almost"],
)
def test_a_feature_that_tells_the_label_is_named(cells):
    table = Table({"leak": list(cells), "other": RANDOM.random(ROWS).tolist(), "y": LABEL.tolist()})
    assert leaks(read_dataset(table, "y")) == ["leak"]


def test_categories_that_hardly_recur_are_no_giveaway():
    cells = [f"v{i % (ROWS - 5)}" for i in range(ROWS)]
    table = Table({"x": cells, "y": LABEL.tolist()})
    assert leaks(read_dataset(table, "y")) == []


@pytest.mark.parametrize("name", ["credit", "iris"])
def test_real_tables_have_none(name):
    recipe = find_recipe(name)
    assert leaks(read_dataset(recipe.table(), recipe.target)) == []


def test_five_thousand_rows_are_looked_at():
    # In the rows that are not, the column tells nothing; in those that are, everything.
    label = np.arange(6000) % 2
    column = np.zeros(6000)
    rows = sampled(label, 5000)
    column[rows] = label[rows]
    assert leaking_features(column[:, None].astype(np.float32), label, ["x"]) == ["x"]
