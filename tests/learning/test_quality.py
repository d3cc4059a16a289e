"""What is kept of the answers on the hold-out: counts and quantiles that pages draw."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, roc_auc_score

from errors import ArtifactDamaged
from learning.intervals import intervals_of
from learning.prediction import Outputs
from learning.quality import (
    HUNDREDTHS,
    MEMBER,
    MOST_CLASSES,
    QUANTILES,
    STEPS,
    Quality,
    dump,
    kept_classes,
    load,
    quality_of,
)
from tables.batch import Batch
from tables.dataset import Dataset
from tables.schema import Schema, Target


def holdout(values: object, classes: int = 0) -> Dataset:
    found = np.asarray(values)
    target = Target("y", tuple(range(classes)), "classification" if classes else "regression")
    return Dataset(Schema((), target), Batch(np.zeros((len(found), 0), np.float32)), found)


def two_classes(rows: int = 2000) -> tuple[Dataset, Outputs]:
    random = np.random.default_rng(0)
    values = random.integers(0, 2, rows)
    score = np.clip(random.normal(0.4 + 0.2 * values, 0.15), 0.001, 0.999)
    return holdout(values, 2), np.column_stack([1 - score, score])


def test_two_classes_have_what_is_above_every_threshold() -> None:
    dataset, outputs = two_classes()
    cuts = quality_of(dataset, outputs).cuts
    assert cuts is not None
    assert cuts.rows == tuple(np.bincount(dataset.target))
    assert sorted(set(cuts.thresholds)) == list(cuts.thresholds)
    assert {index / HUNDREDTHS for index in range(HUNDREDTHS + 1)} <= set(cuts.thresholds)
    assert len(cuts.thresholds) <= HUNDREDTHS + STEPS + 1
    half = cuts.thresholds.index(0.5)
    (_, fp), (_, tp) = confusion_matrix(dataset.target, outputs.argmax(axis=1)).tolist()
    assert (cuts.above[0][half], cuts.above[1][half]) == (fp, tp)
    assert cuts.above[1][0] == cuts.rows[1]
    assert cuts.above[1][-1] == 0


def test_the_roc_curve_of_the_cuts_is_the_model_s_also_where_scores_are_small() -> None:
    dataset, outputs = two_classes()
    outputs[:, 1] /= 200  # all below the first hundredth
    outputs[:, 0] = 1 - outputs[:, 1]
    cuts = quality_of(dataset, outputs).cuts
    assert cuts is not None
    false, true = (np.array(a) / n for a, n in zip(cuts.above, cuts.rows, strict=True))
    area = float(np.trapezoid(true[::-1], false[::-1]))
    assert area == pytest.approx(roc_auc_score(dataset.target, outputs[:, 1]), abs=0.005)


def test_more_classes_have_the_confusion_of_the_commonest() -> None:
    values = np.repeat(np.arange(50), np.arange(1, 51))
    outputs = np.full((len(values), 50), 0.01)
    outputs[np.arange(len(values)), (values + 1) % 50] = 0.6
    outputs[np.arange(len(values)), values] = 0.3
    found = quality_of(holdout(values, 50), outputs)
    assert found.confusion is not None
    assert found.confusion.classes == tuple(range(30, 50))
    counts = np.array(found.confusion.counts)
    assert counts.shape == (MOST_CLASSES + 1, MOST_CLASSES + 1)
    assert counts.sum() == len(values)
    assert counts[0, 1] == 31  # class 30, all of it taken for 31
    assert counts[-1].sum() == sum(range(1, 31))
    assert found.confusion.ranks == (0, len(values))
    assert len(dump(found)[MEMBER]) < 5_000


def test_of_few_classes_all_are_kept() -> None:
    assert kept_classes(np.array([2, 2, 0]), 3).tolist() == [0, 1, 2]


def test_a_quantity_has_residuals_and_what_its_intervals_held() -> None:
    random = np.random.default_rng(0)
    predicted = random.normal(100, 20, 3000)
    true = predicted + random.normal(0, 5, 3000)
    found = quality_of(holdout(true), predicted[:, np.newaxis], intervals_of(true, predicted))
    residuals = found.residuals
    assert residuals is not None
    assert not residuals.logarithmic
    assert sum(rows for _, _, rows in residuals.cells) == sum(residuals.bars) == 3000
    median = residuals.quantiles[QUANTILES.index(0.5)]
    assert median == pytest.approx(float(np.median(true - predicted)), rel=1e-4)
    assert [level for level, _, _ in residuals.coverage] == [0.5, 0.8, 0.9, 0.95]
    for level, share, width in residuals.coverage:
        assert share == pytest.approx(level, abs=0.01)
        assert width > 0
    assert sum(group.rows for group in residuals.groups) == 3000
    assert all(group.low < group.median < group.high for group in residuals.groups)


def test_a_skewed_quantity_is_drawn_by_its_logarithm() -> None:
    true = np.exp(np.random.default_rng(0).normal(5, 1.5, 1000))
    found = quality_of(holdout(true), true[:, np.newaxis]).residuals
    assert found is not None
    assert found.logarithmic
    assert all(row == column for row, column, _ in found.cells)


@pytest.mark.parametrize("value", [0.0, -3.5, 1e30])
def test_a_quantity_that_is_always_the_same_can_be_drawn(value: float) -> None:
    found = quality_of(holdout(np.full(5, value)), np.full((5, 1), value)).residuals
    assert found is not None
    assert found.low <= found.high
    assert sum(rows for _, _, rows in found.cells) == 5


def test_one_row_of_one_class_can_be_kept() -> None:
    found = quality_of(holdout([1], 2), np.array([[0.2, 0.8]]))
    assert found.cuts is not None
    assert found.cuts.rows == (0, 1)


def test_it_is_read_back_and_a_model_of_before_has_none() -> None:
    dataset, outputs = two_classes()
    found = quality_of(dataset, outputs)
    members = dump(found)
    assert isinstance(found, Quality)
    assert load(members) == found
    assert load({}) is None
    assert members == dump(quality_of(dataset, outputs))
    assert "confusion" not in msgspec.json.decode(members[MEMBER])
    with pytest.raises(ArtifactDamaged, match=MEMBER):
        load({MEMBER: b'{"rows": "many"}'})
