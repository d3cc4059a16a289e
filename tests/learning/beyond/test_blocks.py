"""Blocks: forests that learn from one part of the rows after the other."""

from __future__ import annotations

from contextlib import closing

import numpy as np

from learning.additive.budget import Budget
from learning.additive.grown import Brought, Growing
from learning.additive.parts import FOREST_B, ForestPart
from learning.beyond import blocks as module
from learning.beyond.blocks import Blocks
from learning.beyond.sides import Encoded, Sided
from learning.boosters import lightgbm_model
from tables.batch import Batch

ROWS = 12_000


def rows(count, seed):
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(count, 4)).astype(np.float32)
    odds = 2 * matrix[:, 0] * matrix[:, 1] + np.sin(3 * matrix[:, 2])
    return matrix, (random.random(count) < 1 / (1 + np.exp(-odds))).astype(int)


def sided(matrix, values, blocks):
    learnt = Encoded(Batch(matrix), values, np.empty(0, np.uint64))
    return Sided(learnt, learnt, learnt, learnt, blocks)


def filled(count, chunks=5):
    matrix, values = rows(ROWS, 1)
    found = Blocks(4, count)
    for part in np.array_split(np.arange(ROWS), chunks):
        found.add(sided(matrix[part], values[part], part % count))
    return found


def growing(rounds=200):
    part = ForestPart("forest", FOREST_B, {"objective": "binary", "seed": 0}, [])
    settings = part._settings_for(ROWS, 4, 1)
    return Growing(settings, [], Brought("logistic"), rows(4_000, 2), rounds)


def grown(blocks, forest=None, budget=None):
    with closing(blocks):
        return blocks.grow(forest or growing(), budget or Budget(600))


def loss(text):
    matrix, values = rows(8_000, 3)
    odds = lightgbm_model(text).predict(matrix, raw_score=True, num_threads=1)
    return float(np.logaddexp(0, np.where(values == 1, -odds, odds)).mean())


def test_many_blocks_tell_as_much_as_one(monkeypatch):
    monkeypatch.setattr(module, "ROUNDS", 10)
    texts = {count: grown(filled(count)) for count in (1, 4)}
    assert loss(texts[4]) < 1.02 * loss(texts[1])
    # Far from what a quarter of the rows would tell by chance alone.
    assert loss(texts[1]) < 0.75 * np.log(2)


def test_it_ends_where_held_rows_are_answered_best(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 5)
    forest = growing(500)
    text = grown(filled(1), forest)
    model, (matrix, values) = lightgbm_model(text), forest.held
    trees = model.num_trees()
    odds = [model.predict(matrix, raw_score=True, num_iteration=k) for k in (-1, trees - 3)]
    losses = [np.logaddexp(0, (1 - 2 * values) * one).mean() for one in odds]
    assert trees < 500
    assert losses[0] <= losses[1]


def test_it_ends_when_the_time_is_up():
    budget = Budget(0.0)
    text = grown(filled(3), budget=budget)
    assert budget.ended_one
    assert lightgbm_model(text).num_trees() == 1


def test_an_empty_block_is_passed_over():
    found = Blocks(4, 3)
    matrix, values = rows(500, 1)
    found.add(sided(matrix, values, np.full(500, 1)))
    assert found.rows == 500
    assert lightgbm_model(grown(found, growing(60))).num_trees() > 0


def test_what_is_missing_is_filled_in_on_disk():
    found = Blocks(4, 1)
    matrix, values = rows(100, 1)
    matrix[::7, 1] = np.nan
    found.add(sided(matrix, values, np.zeros(100, int)))
    found.settle({1: 5.0}, [3])
    kept = np.array(found._matrix(0))
    found.close()
    assert (kept[::7, 1] == 5.0).all()
    assert (kept[:, 3] == 0.0).all()
    assert np.array_equal(kept[:, 0], matrix[:, 0])
