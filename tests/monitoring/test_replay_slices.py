"""Slices of replayed rows: where the answers change most."""

from __future__ import annotations

import numpy as np

from monitoring.replay_slices import FEWEST_ROWS, MOST_SLICES, slices_of
from tests.monitoring.watched import drawn
from tests.serving.factory import SIGNATURE


def test_the_slice_that_changes_is_the_first_and_has_its_counts() -> None:
    rows = drawn(2000, 1, home=[0.6, 0.3, 0.1])
    unseen = rows.batch.matrix[:, 2] == -1
    apart = np.where(unseen, 0.5, 0.01)
    found = slices_of(SIGNATURE, rows.batch.matrix, apart, apart > 0.4)
    first = found[0]
    assert (first.feature, first.value) == ("home", "another value")
    assert (first.rows, first.changed) == (int(unseen.sum()), int(unseen.sum()))
    assert first.mean_difference == 0.5
    assert len(found) <= MOST_SLICES
    assert all(each.mean_difference > apart.mean() for each in found)


def test_numbers_are_cut_at_quantiles_and_missing_ones_are_a_slice() -> None:
    rows = drawn(2000, 2, missing=0.3)
    income = rows.batch.matrix[:, 1]
    apart = np.where(np.isnan(income), 0.5, np.where(income > np.nanquantile(income, 0.8), 1.0, 0))
    found = {
        (e.feature, e.value): e for e in slices_of(SIGNATURE, rows.batch.matrix, apart, apart > 0)
    }
    assert found["income", "missing"].rows == int(np.isnan(income).sum())
    (top,) = (e for e in found.values() if e.feature == "income" and e.mean_difference == 1.0)
    assert top.value.startswith("over ")
    assert top.rows == int((apart == 1.0).sum())


def test_slices_of_few_rows_are_not_told() -> None:
    rows = drawn(100, 3)
    rows.batch.matrix[: FEWEST_ROWS - 1, 2] = -1
    apart = (rows.batch.matrix[:, 2] == -1).astype(float)
    found = slices_of(SIGNATURE, rows.batch.matrix, apart, apart > 0)
    assert ("home", "another value") not in {(e.feature, e.value) for e in found}
