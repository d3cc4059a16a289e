"""Families that learn quantities as well: compiled, and as good as their estimators."""

from __future__ import annotations

import pytest

from learning.compile.compilation import compile
from learning.estimators import estimators
from learning.progress import SilentProgress
from learning.runtimes.sklearn import estimator_input
from learning.tasks import read_target, task_of
from learning.training import fit
from tables.dataset import read_dataset
from tests.learning.tables import mixed_table, without

DATASET = read_dataset(
    without(mixed_table(300), "comment"), "age", read_target=read_target("regression")
)


@pytest.mark.parametrize("name", ["auto", "forest", "boosting", "logistic"])
def test_a_quantity_is_learnt_and_compiled(name):
    made = fit(estimators()[name](DATASET.schema, 0), DATASET, SilentProgress())
    compiled = compile(made, DATASET.schema, [DATASET.batch])
    assert compiled.runtime_name != "sklearn", compiled.reason
    task = task_of(DATASET.schema.target)
    own = task.outputs(made, estimator_input(DATASET.batch))
    assert task.loss(own, DATASET.target, DATASET.schema.target) < 0.9 * DATASET.target.var()
    assert task.difference(own, compiled.runtime.outputs(DATASET.batch)) < 1e-6
