"""How good a fitted estimator is on rows that it has not learnt from."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np

from learning.base_rate import against_base_rate
from learning.intervals import INTERVALS
from learning.recipe import Estimator
from learning.runtimes.sklearn import estimator_input
from learning.tasks import task_of
from learning.training import learnt_intervals
from tables.dataset import Dataset


class Evaluation(NamedTuple):
    """The metrics, JSON-ready; what model_info keeps beside them; a note where they are poor."""

    metrics: dict[str, Any]
    info: dict[str, Any]
    note: str | None


def evaluate(estimator: Estimator, train: Dataset, holdout: Dataset, seed: int) -> Evaluation:
    """Evaluate an estimator that was fitted to `train` on the hold-out.

    Of a quantity it is also found out how far it is from what is answered.
    """
    task, target = task_of(holdout.schema.target), holdout.schema.target
    outputs = task.outputs(estimator, estimator_input(holdout.batch))
    metrics = task.metrics(outputs, holdout.target, target)
    intervals = learnt_intervals(estimator, train, seed)
    info: dict[str, Any] = {}
    if intervals is not None:
        metrics |= intervals.metrics(outputs[:, 0].astype(np.float64), holdout.target)
        info[INTERVALS] = msgspec.to_builtins(intervals)
    against = against_base_rate(outputs, train, holdout)
    return Evaluation(metrics | against.metrics, info, against.note)
