"""The explainer: of every kind of model, baseline and contributions come to the score."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from errors import ArtifactDamaged
from learning.explaining import explainer
from learning.explaining.explainer import MEMBER, Explainer, rows_of
from learning.links import outputs_of
from tables.batch import Batch
from tests.learning.trainings import trained


@pytest.mark.parametrize("estimator", ["auto", "logistic", "lightgbm"])
@pytest.mark.parametrize("target", ["stays", "plan", "age"])
def test_the_sum_is_the_score(estimator, target):
    found = trained(estimator, target)
    batch = found.holdout.batch
    every = [
        found.explainer.explain(batch, [output] * found.holdout.rows)
        for output in range(found.explainer.outputs)
    ]
    scores = np.column_stack([e.contributions.sum(axis=1) + e.baselines for e in every])
    expected = found.runtime.outputs(batch)
    np.testing.assert_allclose(
        outputs_of(found.explainer.link, scores), expected, atol=1e-6, rtol=1e-6
    )


def test_many_rows_are_explained_as_each_alone():
    found = trained("auto", "stays")
    batch = found.holdout.batch
    many = Batch(np.tile(batch.matrix, (4, 1)), tuple(list(t) * 4 for t in batch.texts))
    together = found.explainer.explain(many, [0] * len(many.matrix))
    for index in (0, 5, len(many.matrix) - 1):
        alone = found.explainer.explain(rows_of(many, np.array([index])), [0])
        np.testing.assert_array_equal(alone.contributions[0], together.contributions[index])


def test_missing_values_and_categories_never_seen_are_explained_too():
    found = trained("auto", "stays")
    batch = found.holdout.batch
    matrix = batch.matrix[:3].copy()
    matrix[0, 1], matrix[1, 3], matrix[2] = np.nan, -1.0, np.nan
    asked = Batch(matrix, tuple(t[:3] for t in batch.texts))
    told = found.explainer.explain(asked, [0] * 3)
    scores = (told.contributions.sum(axis=1) + told.baselines)[:, np.newaxis]
    np.testing.assert_allclose(
        outputs_of(found.explainer.link, scores), found.runtime.outputs(asked), atol=1e-6
    )


def test_what_is_kept_is_read_back_and_what_is_damaged_is_refused():
    found = trained("auto", "stays")
    schema, members = found.holdout.schema, found.made.members
    again = explainer.load(members, found.runtime, schema)
    assert isinstance(again, Explainer)
    batch = found.holdout.batch
    rows = [0] * found.holdout.rows
    np.testing.assert_array_equal(
        again.explain(batch, rows).contributions, found.explainer.explain(batch, rows).contributions
    )
    assert explainer.load({}, found.runtime, schema) is None
    for data in (b"", members[MEMBER][:-10], b"\x00" + members[MEMBER]):
        with pytest.raises(ArtifactDamaged, match="explanation"):
            explainer.load({MEMBER: data}, found.runtime, schema)


def test_nothing_that_learns_is_imported_to_explain():
    code = (
        "import sys; import learning.explaining.explainer;"
        "print([m for m in ('sklearn', 'pandas', 'lightgbm', 'onnx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
