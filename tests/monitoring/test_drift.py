"""Drift: distances have an honest null, and a test of each column finds its change and no other."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.drift import DRAWS, Lane, Lanes, distances, jensen_shannon
from monitoring.drift_bets import HOURS_A_YEAR
from monitoring.drift_groups import groups_of
from tables.sketch import Counts, Sketch, Values, count, sketch_codes, sketch_numbers


def lanes(random: np.random.Generator, rows: int = 1000, columns: int = 3) -> list[Lane]:
    numbers = [sketch_numbers(random.normal(size=rows)) for _ in range(columns - 1)]
    codes = sketch_codes(random.choice(3, rows, p=[0.6, 0.3, 0.1]), 3)
    sketches: list[Sketch] = [*numbers, codes]
    return [Lane(f"c{i}", sketch, groups_of(sketch)) for i, sketch in enumerate(sketches)]


def traffic(random: np.random.Generator, columns: list[Lane], rows: int) -> dict[str, Counts]:
    values: list[Values] = [random.normal(size=rows) for _ in columns[:-1]]
    values.append(random.choice(3, rows, p=[0.6, 0.3, 0.1]))
    return {
        x.name: count(x.sketch.cells(v), x.sketch) for x, v in zip(columns, values, strict=True)
    }


def test_a_distance_is_0_of_what_is_alike_and_1_of_what_shares_nothing() -> None:
    assert jensen_shannon(np.array([1, 2, 0]), np.array([10, 20, 0])) == pytest.approx(0)
    assert jensen_shannon(np.array([1, 2, 0]), np.array([0, 0, 5])) == pytest.approx(1)
    # p = (1/2, 1/2) and q = (1, 0): 1/2 (1/2 log2 2/3 + 1/2 log2 2) + 1/2 log2 4/3
    assert jensen_shannon(np.array([1, 1]), np.array([4, 0])) == pytest.approx(np.sqrt(0.3112781))


def test_without_a_change_one_week_in_twenty_at_most_has_a_column_that_is_other() -> None:
    weeks, ps = 0, []
    for seed in range(100):
        random = np.random.default_rng(seed)
        columns = lanes(random, columns=6)
        found = distances(columns, traffic(random, columns, 400), seed)
        weeks += any(one.is_other for one in found.values())
        ps += [one.p for one in found.values()]
    assert weeks <= 11
    # What is out of training's range would make it 0.43.
    assert 0.47 < np.mean(ps) < 0.53


def test_a_column_that_changed_is_other_and_its_neighbours_are_not() -> None:
    random = np.random.default_rng(0)
    columns = lanes(random)
    counts = traffic(random, columns, 1000)
    first = columns[0]
    counts["c0"] = count(first.sketch.cells(random.normal(0.4, 1, 1000)), first.sketch)
    found = distances(columns, counts)
    assert [name for name, one in found.items() if one.is_other] == ["c0"]
    assert found["c0"].distance > found["c0"].by_chance
    assert found["c0"].p == 1 / (1 + DRAWS)
    assert found["c0"].corrected == pytest.approx(3 * found["c0"].p)


def test_a_column_of_many_words_raises_no_alarm_for_words_that_were_to_come() -> None:
    random = np.random.default_rng(0)
    shares = 1 / np.arange(1, 2001) ** 1.2
    values = random.choice(2000, 12_000, p=shares / shares.sum())
    known, codes = np.unique(values[:3000], return_inverse=True)
    sketch = sketch_codes(codes, len(known))
    column = Lane("c", sketch, groups_of(sketch))
    watched = Lanes([column], np.full(1, HOURS_A_YEAR))
    code = {word: index for index, word in enumerate(known.tolist())}
    new = np.array([code.get(word, -1) for word in values[3000:].tolist()], np.float32)
    assert (new < 0).mean() > 0.1
    course = watched.start()
    for part in np.split(new, 300):
        cells = {"c": sketch.cells(part)}
        course, names = watched.advance(course, cells, random.random((1, 30)), 1.0)
        assert names == []


def test_under_200_rows_nothing_is_said() -> None:
    random = np.random.default_rng(0)
    columns = lanes(random)
    assert distances(columns, traffic(random, columns, 199)) == {}
    assert len(distances(columns, traffic(random, columns, 200))) == 3


def test_many_columns_have_draws_enough_to_be_corrected() -> None:
    random = np.random.default_rng(0)
    columns = lanes(random, columns=60)
    counts = traffic(random, columns, 300)
    counts["c7"] = count(columns[7].sketch.cells(random.normal(2, 1, 300)), columns[7].sketch)
    assert distances(columns, counts)["c7"].is_other


def test_a_test_alarms_for_its_own_column_and_one_that_is_not_logged_stands_still() -> None:
    random = np.random.default_rng(0)
    columns = lanes(random)
    watched = Lanes(columns, np.full(3, 3 * HOURS_A_YEAR))
    course, raised = watched.start(), []
    for _ in range(20):
        cells = {"c0": columns[0].sketch.cells(random.normal(1, 1, 30))}
        cells["c2"] = columns[2].sketch.cells(random.choice(3, 30, p=[0.6, 0.3, 0.1]))
        course, names = watched.advance(course, cells, random.random((3, 30)), 1.0)
        raised += names
    assert set(raised) == {"c0"}
    assert course.evidence[1].tolist() == watched.start().evidence[1].tolist()
    assert course.bag[:, 0].sum(axis=-1).tolist() == [1600, 1000, 1600]
    assert watched.advance(course, {}, random.random((3, 30)), 1.0)[0] is course
