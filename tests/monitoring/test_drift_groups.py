"""Groups: few, about equally large, and what is missing, unseen or out of range apart."""

from __future__ import annotations

import numpy as np

from monitoring.drift_groups import groups_in_order, groups_of, groups_within, padded, summed
from tables.sketch import CodeSketch, sketch_numbers


def test_numbers_have_ten_groups_between_what_is_missing_and_out_of_range() -> None:
    values = np.random.default_rng(0).normal(size=6400)
    values[:64] = np.nan
    sketch = sketch_numbers(values)
    totals = summed(sketch.totals, groups_of(sketch))
    assert len(totals) == 13
    assert (totals[0], totals[1], totals[-1]) == (0, 64, 0)
    assert 500 < totals[2:-1].min() <= totals[2:-1].max() < 800


def test_within_a_range_what_is_out_of_it_goes_with_its_neighbour() -> None:
    sketch = sketch_numbers(np.array([np.nan, *range(100)]))
    groups = groups_within(sketch)
    assert (groups[0], groups[1], groups[-1]) == (0, groups[2], groups[-2])
    assert len(summed(sketch.totals, groups)) == 11
    nothing = sketch_numbers(np.array([np.nan]))
    assert groups_within(nothing).tolist() == [1, 0, 2]


def test_rare_categories_are_one_group_and_the_commonest_have_their_own() -> None:
    sketch = CodeSketch(10, 6, (0, 1, 2, 3, 4), (500, 5, 300, 5, 180), others=5)
    groups = groups_of(sketch)
    assert groups.tolist() == [1, 0, 5, 2, 4, 2, 3, 2]
    assert summed(sketch.totals, groups).tolist() == [0, 10, 15, 180, 300, 500]


def test_where_codes_were_seen_once_those_never_seen_are_rare_ones() -> None:
    sketch = CodeSketch(10, 4, (0, 1, 2, 3), (500, 480, 0, 0), single=2)
    assert groups_of(sketch).tolist() == [1, 2, 4, 3, 2, 2, 2]


def test_a_score_has_no_group_out_of_its_range() -> None:
    sketch = sketch_numbers(np.random.default_rng(0).random(1000))
    groups = groups_in_order(sketch)
    assert len(summed(sketch.totals, groups)) == 10
    assert groups[1] == groups[2] == 0
    assert groups[-1] == groups[-2] == 9


def test_an_order_puts_the_least_first() -> None:
    sketch = sketch_numbers(np.random.default_rng(0).random(1000))
    order = np.abs(np.arange(len(sketch.totals)) - 33.0)
    groups = groups_in_order(sketch, order)
    assert len(summed(sketch.totals, groups)) == 20
    assert groups[33] == 0
    assert (np.diff(groups[33:]) >= 0).all()


def test_columns_of_different_lengths_are_filled_up() -> None:
    assert padded([np.array([1.0, 2]), np.array([3.0])]).tolist() == [[1, 2], [3, 0]]
    assert padded([]).shape == (0, 0)
