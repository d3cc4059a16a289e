"""Hold-outs and samples: the same rows each time, in the table's order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import DatasetError
from tables.batch import Batch
from tables.dataset import Dataset, read_dataset
from tables.description import describe
from tables.schema import Feature, Schema, Target
from tables.split import folds, how_split, sample, split
from tables.strata import held_out
from tables.table import Table

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


# ---------------------------------------------------------------- groups


def copied(times: int, count: int = 100) -> Dataset:
    """Rows of two classes, each so many times, with its number as its feature."""
    x = [str(n) for n in range(count)] * times
    return read_dataset(
        Table({"x": x, "y": ["a" if n % 3 else "b" for n in range(count)] * times}), "y"
    )


def test_copies_are_on_one_side_of_hold_out_and_folds() -> None:
    dataset = copied(4)
    train, held = split(dataset, 3)
    assert not set(rows(train)) & set(rows(held))
    assert 70 <= held.rows <= 90
    assert np.unique(held.target).tolist() == [0, 1]
    found = folds(train, 5, 3)
    assert len(found) == 5
    for inside, outside in found:
        assert not set(rows(train.take(inside))) & set(rows(train.take(outside)))
    assert sorted(np.concatenate([fold.outside for fold in found])) == list(range(train.rows))


def test_a_few_copies_move_few_rows() -> None:
    """The split of a table without copies is that of older releases, and one of three is near."""
    x = [str(n) for n in range(400)]
    label = ["a" if n % 3 else "b" for n in range(400)]
    dataset = read_dataset(Table({"x": x, "y": label}), "y")
    plain = split(dataset, 7)[1]
    assert rows(plain) == np.flatnonzero(held_out(dataset.target, 7, 0.2)).tolist()
    x[10], x[20] = x[13], x[23]
    near = split(read_dataset(Table({"x": x, "y": label}), "y"), 7)[1]
    assert len(set(rows(plain)) ^ set(rows(near))) <= 6


def grouped(cells: list[str], label: list[str]) -> Dataset:
    x = [str(n * 7 % 101) for n in range(len(cells))]
    return read_dataset(Table({"g": cells, "x": x, "y": label}), "y", group="g")


def test_a_group_is_whole_on_one_side_and_no_feature() -> None:
    cells = [f"g{n // 10}" for n in range(200)]
    dataset = grouped(cells, ["a" if n % 3 else "b" for n in range(200)])
    assert [feature.name for feature in dataset.schema.features] == ["x"]
    assert dataset.schema.ignored == ("g",)
    train, held = split(dataset, 1)
    assert train.groups is not None
    assert held.groups is not None
    assert (train.groups.amount, held.groups.amount) == (16, 4)
    assert set(held.groups.sizes) == {10}
    assert how_split(dataset, held) == {"by": "group", "column": "g", "rows": 40}
    for inside, outside in folds(train, 5, 1):
        codes = train.groups.codes
        assert not set(codes[inside]) & set(codes[outside])


def test_a_kind_makes_the_group_a_feature_too() -> None:
    cells = [f"g{n // 10}" for n in range(200)]
    table = Table({"g": cells, "x": [str(n % 9) for n in range(200)], "y": ["a", "b"] * 100})
    dataset = read_dataset(table, "y", kinds={"g": "category"}, group="g")
    assert [feature.name for feature in dataset.schema.features] == ["g", "x"]


def test_a_large_group_is_learnt_from() -> None:
    cells = [f"g{n}" if n < 40 else "rest" for n in range(200)]
    _, held = split(grouped(cells, ["a", "b"] * 100), 0)
    assert held.groups is not None
    assert held.groups.sizes.max() == 1


def test_groups_that_part_the_classes_are_refused() -> None:
    label = ["a" if n < 100 else "b" for n in range(200)]
    with pytest.raises(DatasetError, match="group g: no row of y 'a' would be"):
        split(grouped(label, label), 0)


# ---------------------------------------------------------------- times


def timed(when: list[str], label: list[str] | None = None) -> Dataset:
    label = label or ["a" if n % 3 else "b" for n in range(len(when))]
    x = [str(n * 7 % 101) for n in range(len(when))]
    return read_dataset(Table({"when": when, "x": x, "y": label}), "y", time="when")


def test_the_latest_are_held_out_and_those_of_one_time_stay_together() -> None:
    dataset = timed([f"2024-03-{1 + n * 13 % 200 // 10:02d}" for n in range(200)])
    train, held = split(dataset, 5)
    assert train.times is not None
    assert held.times is not None
    assert train.times.values.max() < held.times.values.min()
    assert how_split(dataset, held) == {
        "by": "time", "column": "when", "from": "2024-03-17", "rows": 40
    }  # fmt: skip


def test_the_folds_of_times_are_forward() -> None:
    dataset = timed([str(1000 + n * 13 % 200) for n in range(200)])
    found = folds(dataset, 5, 0)
    assert len(found) == 5
    for inside, outside in found:
        assert dataset.times is not None
        assert dataset.times.values[inside].max() < dataset.times.values[outside].min()
    assert len(found[-1].inside) + len(found[-1].outside) == 200


@pytest.mark.parametrize(("late", "side"), [("a", "learnt from"), ("b", "held out")])
def test_times_that_part_the_classes_are_refused(late: str, side: str) -> None:
    label = [("a", "b")[n < 170] if late == "a" else ("a", "b")[n < 150] for n in range(200)]
    with pytest.raises(DatasetError, match=f"time when: no row of y '.' would be {side}"):
        split(timed([str(n) for n in range(200)], label), 0)


@pytest.mark.parametrize(
    ("ties", "line"),
    [
        ({"group": "h"}, "the table has no column h; it has g"),
        ({"time": "h"}, "the table has no column h"),
        ({"group": "g", "time": "x"}, "only one of them"),
        ({"time": "y"}, "y is the label"),
        ({"time": "g"}, "g is read as category"),
    ],
)
def test_columns_that_tie_nothing_are_refused(ties: dict[str, Any], line: str) -> None:
    table = Table({"g": ["a", "b"] * 50, "x": list(map(str, range(100))), "y": ["n", "m"] * 50})
    with pytest.raises(DatasetError, match=line):
        read_dataset(table, "y", **ties)
    with pytest.raises(DatasetError, match=line):
        describe(table, "y", **ties)


def test_a_table_that_runs_with_a_date_is_offered_it() -> None:
    when = [f"2024-{1 + n // 28:02d}-{1 + n % 28:02d}" for n in range(100)]
    table = Table({"when": when, "x": [str(n * 7 % 101) for n in range(100)], "y": ["a", "b"] * 50})
    assert any("--time when" in note for note in read_dataset(table, "y").notes)
    assert not any("--time" in note for note in read_dataset(table, "y", time="when").notes)
