"""Hold-outs and samples: the same rows each time, in the table's order."""

from __future__ import annotations

import numpy as np

from tables.batch import Batch
from tables.dataset import Dataset
from tables.schema import Feature, Schema, Target
from tables.split import sample, split

TARGET = np.repeat([0, 1], (80, 20))
DATASET = Dataset(
    Schema((Feature("x", "number"),), Target("y", ("a", "b"))),
    Batch(np.arange(100, dtype=np.float32)[:, None]),
    TARGET,
)


def rows(dataset: Dataset) -> list[float]:
    return dataset.batch.matrix[:, 0].tolist()


def test_a_fifth_of_each_class_is_held_out_and_the_order_is_the_table_s() -> None:
    train, held = split(DATASET, 7)
    assert np.bincount(held.target).tolist() == [16, 4]
    assert sorted(rows(train) + rows(held)) == rows(DATASET)
    assert rows(held) == sorted(rows(held))
    assert rows(split(DATASET, 7)[1]) == rows(held)
    assert rows(split(DATASET, 8)[1]) != rows(held)


def test_strata_that_are_given_count_in_place_of_the_classes() -> None:
    strata = np.repeat([0, 1], (50, 50))
    _, held = split(DATASET, 0, 0.1, strata)
    assert sum(row < 50 for row in rows(held)) == 5
    assert len(rows(sample(DATASET, 10, strata))) == 10


def test_a_sample_has_every_class_in_proportion_and_is_the_same_each_time() -> None:
    found = sample(DATASET, 50)
    assert len(rows(found)) == 50
    assert rows(found) == rows(sample(DATASET, 50))
    assert sample(DATASET, 100) is DATASET
