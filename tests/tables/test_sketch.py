"""Sketches: what they count is what is counted again, and they stay small."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from tables.sketch import (
    MISSING,
    MOST_CELLS,
    OUTSIDE,
    NumberSketch,
    Sketch,
    count,
    sketch_codes,
    sketch_numbers,
)

NAN = float("nan")


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).lognormal(size=5000),
        np.random.default_rng(1).integers(0, 500, 5000),
        np.array([1, 1, 2, NAN, 3, 3, 3]),
        np.array([np.nextafter(np.float32(1), np.float32(2)), 1, 1]),
        np.array([3e38, -3e38, 0]),
    ],
)
def test_the_rows_that_were_sketched_are_counted_as_then(values: np.ndarray) -> None:
    sketch = sketch_numbers(values)
    kept = msgspec.json.decode(msgspec.json.encode(sketch), type=Sketch)
    assert kept == sketch
    assert count(kept.cells(values), kept).tolist() == kept.totals.tolist()
    assert len(kept.counts) <= MOST_CELLS


def test_cells_have_about_equally_many_rows() -> None:
    counts = sketch_numbers(np.random.default_rng(0).normal(size=64_000)).counts
    assert len(counts) == 64
    assert min(counts) > 900
    assert max(counts) < 1100


def test_few_values_have_a_cell_each() -> None:
    sketch = sketch_numbers(np.array([1, 1, 2, 3, NAN]))
    assert sketch == NumberSketch(1, (2, 1, 1), (1.5, 2.5), 1.0, 3.0)
    assert sketch.cells(np.array([NAN, 0.9, 1, 2, 3, 3.1])).tolist() == [
        MISSING,
        OUTSIDE,
        2,
        3,
        4,
        5,
    ]
    assert sketch.outside == (OUTSIDE, 5)


def test_a_column_that_was_always_missing_has_every_value_outside() -> None:
    sketch = sketch_numbers(np.array([NAN, NAN]))
    assert sketch.cells(np.array([NAN, 0, -1e30])).tolist() == [MISSING, OUTSIDE, OUTSIDE]
    assert sketch.totals.tolist() == [2, 0, 0]
    assert sketch.median(sketch.totals) is None


def test_a_median_is_near_the_median() -> None:
    values = np.random.default_rng(0).normal(10, 2, 10_000)
    sketch = sketch_numbers(values)
    assert sketch.median(sketch.totals) == pytest.approx(np.median(values), abs=0.1)
    shifted = count(sketch.cells(values + 1), sketch)
    assert sketch.median(shifted) == pytest.approx(np.median(values) + 1, abs=0.1)


def test_codes_are_counted_by_code_and_the_unseen_apart() -> None:
    sketch = sketch_codes(np.array([0, 0, 2, 2, 2, NAN]), 3)
    assert sketch.totals.tolist() == [1, 0, 2, 0, 3, 0]
    assert sketch.cells(np.array([NAN, -1, 0, 1, 2, 3])).tolist() == [MISSING, OUTSIDE, 2, 3, 4, 1]


def test_of_many_codes_the_commonest_are_kept() -> None:
    values = np.concatenate([np.arange(1000), np.repeat(np.arange(500, 510), 50)])
    sketch = sketch_codes(values, 1000)
    assert len(sketch.codes) == MOST_CELLS
    assert set(range(500, 510)) <= set(sketch.codes)
    assert sketch.totals.sum() == len(values)


def test_rows_whose_code_no_other_had_stand_for_codes_never_seen() -> None:
    random = np.random.default_rng(0)
    shares = 1 / np.arange(1, 3001)
    values = random.choice(3000, 4000, p=shares / shares.sum())
    there, codes = np.unique(values[:2000], return_inverse=True)
    sketch = sketch_codes(codes, len(there))
    unseen = ~np.isin(values[2000:], there)
    assert sketch.totals.sum() == 2000
    assert sketch.totals[OUTSIDE] / 2000 == pytest.approx(unseen.mean(), abs=0.03)
    assert unseen.mean() > 0.1
