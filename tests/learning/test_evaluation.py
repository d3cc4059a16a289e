"""How good a fitted estimator is on rows that it has not learnt from."""

from __future__ import annotations

import numpy as np

from learning.evaluation import evaluate
from learning.families.forest import forest
from learning.progress import SilentProgress
from learning.tasks import read_target
from learning.training import fit
from tables.dataset import read_dataset
from tables.split import split
from tables.table import Table
from tests.learning.tables import mixed_table, without


def evaluated(table, target):
    dataset = read_dataset(table, target, read_target=read_target(None))
    train, holdout = split(dataset, 0, strata=np.zeros(dataset.rows, np.intp))
    made = fit(forest(dataset.schema, 0, n_estimators=50), train, SilentProgress())
    return evaluate(made, train, holdout, 0)


def test_classes_have_the_base_rate_beside_their_loss():
    found = evaluated(without(mixed_table(600), "comment"), "stays")
    assert found.metrics["log_loss"] < found.metrics["base_rate_log_loss"]
    assert found.note is None
    assert found.info == {}


def test_a_quantity_has_an_interval_and_how_often_it_held():
    found = evaluated(without(mixed_table(300), "comment", "stays"), "age")
    assert found.metrics["interval"]["level"] == 0.9
    assert 0.7 <= found.metrics["interval"]["coverage"] <= 1.0
    assert found.metrics["pinball_loss"] > 0
    assert len(found.info["intervals"]["residuals"]) == 240


def test_chance_is_said_to_be_no_better_than_the_base_rate():
    random = np.random.default_rng(0)
    cells = {"x": [f"{v:.3f}" for v in random.normal(size=200)], "y": ["a", "b"] * 100}
    found = evaluated(Table(cells), "y")
    assert found.note is not None
    assert "no better than always answering the base rate" in found.note
