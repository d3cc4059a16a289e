"""Small models with what explains them, each trained once."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from learning.compile.compilation import compile
from learning.estimators import estimators
from learning.explaining import explainer
from learning.explaining.explainer import Explainer
from learning.explanation import Made, explanation_of
from learning.prediction import Runtime
from learning.progress import SilentProgress
from learning.tasks import read_target, task_of
from learning.training import fit
from tables.dataset import Dataset, read_dataset
from tables.split import split
from tests.learning.tables import mixed_table, without


class Trained(NamedTuple):
    """A model and what it was learnt from."""

    estimator: Any
    runtime: Runtime
    train: Dataset
    holdout: Dataset
    made: Made
    explainer: Explainer


@cache
def trained(estimator: str, target: str) -> Trained:
    """Return a model of a table of every kind of feature; only some estimators read texts."""
    table = mixed_table(400)
    if estimator == "lightgbm":
        table = without(table, "comment")
    dataset = read_dataset(table, target, read_target=read_target(None))
    strata = task_of(dataset.schema.target).strata(dataset.target)
    train, holdout = split(dataset, 0, strata=strata)
    fitted = fit(estimators()[estimator](dataset.schema, 0), train, SilentProgress())
    compiled = compile(fitted, dataset.schema, [train.batch, holdout.batch])
    made = explanation_of(fitted, compiled.runtime, train, holdout)
    found = explainer.load(made.members, compiled.runtime, dataset.schema)
    assert found is not None, made.info
    return Trained(fitted, compiled.runtime, train, holdout, made, found)
