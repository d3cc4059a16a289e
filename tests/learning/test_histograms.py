"""How each feature is distributed in training: bars, with the target's mean beside each."""

from __future__ import annotations

import io

import numpy as np
import pytest

from errors import ArtifactDamaged
from learning.histograms import (
    FEWEST_BARS,
    MEMBER,
    MOST_BARS,
    Histogram,
    Histograms,
    dump,
    histograms_of,
    load,
    total,
)
from learning.tasks import read_target
from tables.batch import Batch
from tables.dataset import Dataset, read_dataset
from tables.readers import read_table
from tables.schema import Feature, Schema, Target


def numbers(values: object, target: object = None, classes: int = 2) -> Histogram:
    found = np.asarray(values, np.float32)[:, np.newaxis]
    truth = np.zeros(len(found), int) if target is None else np.asarray(target)
    schema = Schema((Feature("x", "number"),), Target("y", tuple(range(classes))))
    return histograms_of(Dataset(schema, Batch(found), truth)).features[0]


def test_numbers_have_bars_of_equal_width_with_the_share_of_the_second_class() -> None:
    values = np.linspace(0, 100, 1001)
    found = numbers(values, values > 50)
    assert (found.low, found.high) == (0, 100)
    assert len(found.counts) == MOST_BARS
    assert sum(found.counts) == 1001
    assert found.means[0] == 0
    assert found.means[-2:] == (1, None)  # the last bar, and no missing one


def test_far_values_are_in_the_outermost_bar() -> None:
    found = numbers([*np.linspace(0, 10, 999), 1e9])
    assert found.high < 11
    assert sum(found.counts) == 1000


def test_few_numbers_have_a_bar_each_and_missing_ones_their_own_mean() -> None:
    found = numbers([1, 2, 2, np.nan, 3, np.nan], [0, 1, 0, 1, 1, 1])
    assert list(found.values) == [1, 2, 3]
    assert found.counts == (1, 2, 1)
    assert found.missing == 2
    assert list(found.means) == [0, 0.5, 1, 1]
    assert total(found) == 6


def test_numbers_that_are_few_only_at_first_have_equal_bars() -> None:
    assert numbers([0] * 1000 + list(range(100))).values == ()


@pytest.mark.parametrize(
    "values", [[np.nan], [5.0], [-3e38, 3e38, *range(50)], [1e8 + 8 * n for n in range(30)]]
)
def test_any_numbers_can_be_drawn(values: list[float]) -> None:
    assert total(numbers(values)) == len(values)


def test_every_kind_of_feature_has_one_in_the_schema_s_order() -> None:
    lines = ["size,home,since,comment,many,vip,label"]
    for row in range(400):
        size = "" if row % 10 == 0 else f"{row * 0.37:.3f}"
        home = ("rent", "own", "own")[row % 3]
        comment = f"what a {'very ' * (row % 7)}good thing {row}"
        many, vip = f"code{min(row % 40, (row * 7) % 40)}", ("true", "false")[row % 2]
        day = f"2024-01-{row % 28 + 1:02}"
        lines.append(f"{size},{home},{day},{comment},{many},{vip},{('yes', 'no')[row % 2]}")
    table = read_table(io.BytesIO("\n".join(lines).encode()))
    dataset = read_dataset(table, "label", read_target=read_target(None))
    found = histograms_of(dataset)
    assert found.rows == 400
    assert all(total(each) == 400 for each in found.features)
    by_name = dict(zip((f.name for f in dataset.schema.features), found.features, strict=True))
    assert by_name["home"].counts == (266, 134)
    assert list(by_name["home"].values) == [0, 1]
    assert by_name["since"].high - by_name["since"].low == pytest.approx(27)
    assert by_name["comment"].low > 5
    assert len(by_name["many"].counts) == MOST_BARS
    assert by_name["many"].others > 0
    assert list(by_name["vip"].means) == [0, 1, None]  # yes is the second class
    assert found.mean == pytest.approx(0.5)


def test_of_many_classes_there_are_no_means_and_of_a_quantity_its_own() -> None:
    assert numbers([1, 2, 3], [0, 1, 2], classes=3).means == ()
    assert numbers([1, 1, 2], [10.0, 20.0, 7.5], classes=0).means == (15, 7.5, None)


def test_thousands_of_features_have_fewer_bars_and_bounded_bytes() -> None:
    random = np.random.default_rng(0)
    matrix = random.normal(size=(200, 5000)).astype(np.float32)
    features = tuple(Feature("x" * 10_000 + str(i), "number") for i in range(5000))
    schema = Schema(features, Target("y", (False, True)))
    found = histograms_of(Dataset(schema, Batch(matrix), random.integers(0, 2, 200)))
    assert len(found.features[0].counts) == FEWEST_BARS
    assert len(dump(found)[MEMBER]) < 800_000


def test_they_are_read_back_and_a_model_of_before_has_none() -> None:
    found = Histograms(6, 0.5, (numbers([1, 2, np.nan]),))
    assert load(dump(found)) == found
    assert load({}) is None
    with pytest.raises(ArtifactDamaged, match=MEMBER):
        load({MEMBER: b"["})
