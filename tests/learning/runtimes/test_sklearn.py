from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from errors import ArtifactDamaged
from learning.estimators import estimators
from learning.families.logistic import logistic
from learning.runtimes import sklearn as by_estimator
from learning.runtimes.sklearn import (
    JOBLIB,
    SKOPS,
    SklearnRuntime,
    dump,
    estimator_input,
    load,
    load_estimator,
)
from tables.batch import Batch
from tests.learning.samples import batch, schema, target

ROWS = batch(120)


class Homemade(ClassifierMixin, BaseEstimator):
    """An estimator that skops has no reason to trust."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> Homemade:
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return np.tile([0.25, 0.75], (len(x), 1))


@pytest.mark.parametrize("name", ["forest", "boosting", "logistic"])
def test_our_own_estimators_are_kept_by_skops(name: str) -> None:
    estimator = estimators()[name](schema(), 0).fit(ROWS.matrix, target(ROWS))
    members = dump(estimator)
    assert set(members) == {SKOPS}
    assert np.array_equal(load(members).outputs(ROWS), estimator.predict_proba(ROWS.matrix))


def test_words_take_no_member_each() -> None:
    described, rows = schema(texts=1), batch(200, texts=1)
    estimator = logistic(described, 0)
    estimator.fit(estimator_input(rows), target(rows))
    wanted = estimator.predict_proba(estimator_input(rows))
    members = dump(estimator)
    assert members[SKOPS].count(b".npy") < 60
    assert np.array_equal(load(members).outputs(rows), wanted)


def test_another_estimator_is_kept_by_joblib() -> None:
    members = dump(Homemade().fit(ROWS.matrix, target(ROWS)))
    assert set(members) == {JOBLIB}
    assert load(members).outputs(ROWS).shape == (120, 2)


def test_a_type_that_is_not_trusted_is_not_constructed() -> None:
    members = {SKOPS: skops.io.dumps(Homemade().fit(ROWS.matrix, target(ROWS)))}
    with pytest.raises(ArtifactDamaged, match=r"not trusted.*Homemade"):
        load_estimator(members)


def test_an_artifact_without_an_estimator_is_refused() -> None:
    with pytest.raises(ArtifactDamaged, match="holds neither"):
        load_estimator({"model.onnx": b""})


def test_only_types_of_libraries_and_our_own_are_trusted_beyond_what_skops_trusts() -> None:
    roots = {name.split(".")[0] for name in by_estimator.trusted()}
    assert roots == {"learning", "numpy", "recipes", "sklearn"}


def test_one_job_predicts() -> None:
    forest = RandomForestClassifier(3, n_jobs=2)
    steps = Pipeline([("forest", forest)]).fit(np.nan_to_num(ROWS.matrix), target(ROWS))
    runtime = SklearnRuntime(steps)
    assert runtime.estimator.named_steps["forest"].n_jobs == 1


@pytest.mark.parametrize("estimator", [LogisticRegression(), HistGradientBoostingClassifier()])
def test_no_rows_have_no_answers(estimator: Any) -> None:
    fitted = estimator.fit(np.arange(6.0)[:, None], [0, 1, 2] * 2)
    answers = SklearnRuntime(fitted).outputs(Batch(np.empty((0, 1), np.float32)))
    assert answers.shape == (0, 3)


def test_without_texts_the_estimator_sees_the_matrix_itself():
    assert estimator_input(ROWS) is ROWS.matrix


def test_with_texts_it_sees_numbers_then_texts():
    mixed = batch(30, texts=1)
    table = estimator_input(mixed)
    assert table.shape == (len(mixed.matrix), 7)
    np.testing.assert_array_equal(table[:, :6].astype(np.float32), mixed.matrix)
    assert table[:, 6].tolist() == mixed.texts[0]


def test_texts_alone_make_one_column():
    rows = Batch(np.empty((2, 0), np.float32), (["a", "b"],))
    assert estimator_input(rows).tolist() == [["a"], ["b"]]
