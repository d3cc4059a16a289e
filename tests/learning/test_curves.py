"""How the answer changes with one feature: the values tried, the mean, and some rows' own."""

from __future__ import annotations

import numpy as np
import pytest

from errors import ArtifactDamaged
from learning import curves
from learning.curves import MEMBER, MOST_LETTERS, MOST_VALUES, Curve, curves_of, grid
from learning.prediction import Outputs
from learning.quality import MOST_CLASSES
from tables.batch import Batch
from tables.dataset import Dataset
from tables.schema import Feature, Schema, Target
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


def test_of_very_many_classes_the_commonest_are_kept_and_long_categories_are_cut():
    words = tuple("long" * 3000 + str(i) for i in range(3))
    feature = Feature("word", "category", categories=words)
    schema = Schema((feature,), Target("y", tuple(range(300))))
    values = np.minimum(np.arange(900) % 300, 150)
    table = Dataset(schema, Batch((np.arange(900) % 3).astype(np.float32)[:, np.newaxis]), values)
    made = curves_of(Same(), table, table, ["word"], 0)["word"]
    assert len(made.classes) == len(made.mean[0]) == MOST_CLASSES
    assert 150 in made.classes
    assert max(map(len, made.values)) == MOST_LETTERS + 1
    assert len(curves.dump({"word": made})[MEMBER]) < 5_000


class Same:
    """Answers every row with the same shares of 300 classes."""

    name, compiled, quick = "same", True, True

    def outputs(self, batch: Batch) -> Outputs:
        return np.full((len(batch.matrix), 300), 1 / 300)


def test_no_curves_have_no_member():
    assert curves.dump({}) == {}
    data = curves.dump({"a": Curve([1], [[0.5]], [])})[MEMBER]
    assert curves.load({MEMBER: data})["a"].values == [1]
    assert curves.load({}) == {}
    with pytest.raises(ArtifactDamaged, match=MEMBER):
        curves.load({MEMBER: b"[]"})
