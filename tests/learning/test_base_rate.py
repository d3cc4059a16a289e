"""The base rate: what a model is worth against who looks at no feature."""

from __future__ import annotations

import math

import numpy as np
import pytest

from build_model import as_json, build_model, report
from learning.base_rate import against_base_rate
from learning.estimators import ready_made
from learning.recipe import Recipe
from persistence.registry import Registry
from tables.batch import Batch
from tables.dataset import Dataset
from tables.schema import Feature, Schema, Target
from tables.table import Table
from tests.persistence.artifacts import make_registry

SCHEMA = Schema((Feature("x", "number"),), Target("y", ("a", "b")))


def dataset(*target: int) -> Dataset:
    return Dataset(SCHEMA, Batch(np.zeros((len(target), 1), np.float32)), np.array(target))


TRAIN, HELD = dataset(0, 0, 0, 1), dataset(0, 1)
BASE = -(math.log(0.75) + math.log(0.25)) / 2


def test_the_base_rate_is_that_of_the_rows_learnt_from() -> None:
    outputs = np.array([[0.9, 0.1], [0.1, 0.9]])
    found = against_base_rate(outputs, TRAIN, HELD)
    assert found.metrics == {"base_rate_log_loss": pytest.approx(BASE)}
    assert found.note is None


@pytest.mark.parametrize("chances", [[0.25, 0.25], [0.9, 0.1], [1.0, 0.0]])
def test_a_model_that_is_no_better_says_so(chances: list[float]) -> None:
    outputs = np.array([[1 - chance, chance] for chance in chances])
    note = against_base_rate(outputs, TRAIN, HELD).note
    assert note is not None
    assert note.startswith("no better than always answering the base rate: log loss ")
    assert f"{BASE:.4f}" in note


def by_chance() -> tuple[Recipe, Registry]:
    """A table of a label by chance, which a tree learns by heart."""
    random = np.random.default_rng(5)
    x, y = random.random(200), random.integers(0, 2, 200)
    table = Table({"x": [f"{v:.6f}" for v in x], "y": ["a" if v else "b" for v in y]})
    recipe = ready_made("chance", lambda: table, "y", "forest")
    return recipe, make_registry()


def test_it_is_said_wherever_the_model_is_shown_and_a_better_champion_stays() -> None:
    recipe, registry = by_chance()
    first = build_model(recipe, registry=registry, parameters={"n_estimators": 1})
    said = "no better than always answering the base rate"
    assert first.verdict.good
    assert said in first.verdict.reason
    assert any(said in note for note in first.dataset.notes)
    assert any(said in note for note in first.model.info["notes"])
    assert any(said in note for note in first.model.metrics["notes"])
    assert first.metrics["log_loss"] > first.metrics["base_rate_log_loss"]
    assert said in report(first, "a store")
    assert said in as_json(first)
    second = build_model(recipe, registry=registry, parameters={"n_estimators": 1, "max_depth": 1})
    assert second.verdict.good
    third = build_model(recipe, registry=registry, parameters={"n_estimators": 1})
    assert not third.verdict.good
