"""The base rate: what is answered by who looks at no feature, and whether a model is better."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from learning.prediction import Outputs
from learning.tasks import task_of
from tables.dataset import Dataset


class AgainstBaseRate(NamedTuple):
    """The loss of always answering the base rate, as a metric; a note where that is no worse."""

    metrics: dict[str, Any]
    note: str | None


def against_base_rate(outputs: Outputs, train: Dataset, holdout: Dataset) -> AgainstBaseRate:
    """Judge a model's outputs on the hold-out by the base rate of the rows that it learnt from."""
    target = holdout.schema.target
    task = task_of(target)
    always = np.repeat(task.base_rate(train.target, target), holdout.rows, axis=0)
    base = task.loss(task.bounded(always), holdout.target, target)
    own = task.loss(task.bounded(outputs), holdout.target, target)
    metrics = {f"base_rate_{task.loss_name.lower().replace(' ', '_')}": base}
    if own < base:
        return AgainstBaseRate(metrics, None)
    said = f"{task.loss_name} {own:.4f} on the hold-out is not below the base rate's {base:.4f}"
    return AgainstBaseRate(metrics, f"no better than always answering the base rate: {said}")
