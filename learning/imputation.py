"""Whether a fitted pipeline fills in missing values, also where training had none."""

from __future__ import annotations

from typing import Any

import numpy as np

from learning.runtimes.sklearn import estimator_input
from tables.batch import Batch
from tables.schema import Schema


def imputes(estimator: Any, schema: Schema, rows: Batch) -> bool:
    """Tell whether what a pipeline's last step reads is never missing, whatever value of a row is.

    It is asked, not looked at: rows with each value missing in turn, and one with
    all of them, go through the steps before the last. `rows` are any that were
    learnt from. An estimator without such steps, or whose steps let a missing value
    pass, reads it as training taught it to, and training taught nothing.
    """
    if getattr(estimator, "imputes", False):  # it says so itself
        return True
    if not hasattr(estimator, "steps") or len(estimator.steps) < 2:
        return False
    count = len(schema.numeric)
    batch = Batch(
        np.repeat(rows.matrix[:1], count + 1, axis=0),
        tuple([""] * (count + 1) for _ in schema.texts),
    )
    batch.matrix[np.arange(count), np.arange(count)] = np.nan
    batch.matrix[count] = np.nan
    try:
        prepared = estimator[:-1].transform(estimator_input(batch))
        values = getattr(prepared, "data", prepared) if hasattr(prepared, "nnz") else prepared
        return bool(np.isfinite(np.asarray(values, dtype=np.float64)).all())
    except (TypeError, ValueError):
        return False
