"""How the answer changes with one feature: the values tried, the mean, and some rows' own."""

from __future__ import annotations

import msgspec
import numpy as np

from learning import curves
from learning.curves import MEMBER, MOST_VALUES, Curve, curves_of, grid
from tables.schema import Feature
from tests.learning.trainings import trained


def test_a_curve_is_the_mean_answer_with_the_value_in_every_row():
    found = trained("auto", "stays")
    names = ["age", "comment", "plan", "vip"]
    made = curves_of(found.runtime, found.train, found.holdout, names, 0)
    assert list(made) == ["age", "plan", "vip"]  # a text has no curve
    assert made["vip"].values == [False, True]
    assert set(made["plan"].values) == {"basic", "gold", "pro"}
    assert len(made["age"].values) <= MOST_VALUES
    assert made["age"].values == sorted(made["age"].values)
    rows = found.holdout.batch
    matrix = rows.matrix.copy()
    matrix[:, 0] = made["age"].values[3]
    expected = found.runtime.outputs(rows._replace(matrix=matrix)).mean(axis=0)
    np.testing.assert_allclose(made["age"].mean[3], expected, atol=1e-6)
    assert made["age"].mean[0][1] < 0.5 < made["age"].mean[-1][1]
    assert np.array(made["age"].rows).shape == (20, len(made["age"].values))


def test_of_many_classes_only_the_means_are_kept():
    found = trained("lightgbm", "plan")
    made = curves_of(found.runtime, found.train, found.holdout, ["age"], 0)
    assert len(made["age"].mean[0]) == 3
    assert made["age"].rows == []


def test_the_values_of_many_numbers_are_spread_by_their_share_of_rows():
    column = np.concatenate([np.zeros(900), np.arange(100)]).astype(np.float32)[:, np.newaxis]
    at = grid(column, Feature("x", "number"))
    values = column[at, 0]
    assert values[0] == 0.0
    assert len(values) <= MOST_VALUES
    assert np.all(np.diff(values) > 0)


def test_the_commonest_categories_are_tried_and_missing_values_are_not():
    codes = np.repeat(np.arange(30), np.arange(1, 31)).astype(np.float32)
    column = np.append(codes, np.nan)[:, np.newaxis].astype(np.float32)
    at = grid(column, Feature("x", "category", categories=tuple(map(str, range(30)))))
    assert column[at, 0].tolist() == list(range(10, 30))


def test_no_curves_have_no_member():
    assert curves.dump({}) == {}
    data = curves.dump({"a": Curve([1], [[0.5]], [])})[MEMBER]
    assert msgspec.json.decode(data, type=dict[str, Curve])["a"].values == [1]
