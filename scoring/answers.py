"""The columns that a table gets: what is predicted for each row, as Arrow has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from errors import MiranteError, ModelFault
from learning.explaining.explainer import Explainer
from learning.intervals import Intervals, LevelError
from learning.prediction import Outputs
from learning.task import Task
from scoring.options import Options
from tables.batch import Batch
from tables.schema import Schema, Target

PREDICTION, PROBABILITY, CONTRIBUTION = "prediction", "probability", "contribution_"
BASELINE = "baseline"
LOW, HIGH = "interval_low", "interval_high"


def names_of(schema: Schema, options: Options) -> list[str]:
    """Return the names of the columns that are added, in their order."""
    names = [PREDICTION]
    if schema.target.classes and options.probabilities:
        names += [PROBABILITY, *(f"{PROBABILITY}_{key}" for key in schema.target.keys)]
    if options.interval is not None:
        names += [LOW, HIGH]
    if options.contributions:
        names += [BASELINE, *(f"{CONTRIBUTION}{feature.name}" for feature in schema.features)]
    return [options.prefix + name for name in names]


def columns_of(outputs: Outputs, schema: Schema, task: Task, options: Options) -> list[pa.Array]:
    """Return the prediction, and of classes their probabilities. Raises ModelFault."""
    # NaN and infinity stay in a sum.
    if not np.isfinite(outputs.sum()):
        raise ModelFault("the model answers NaN or infinity: choose another version")
    values, winners = task.rounded(outputs)
    if winners is None:
        return [pa.array(values[:, 0])]
    chosen = np.asarray(winners)
    columns = [_classes(schema.target).take(pa.array(chosen))]
    if options.probabilities:
        columns.append(pa.array(values[np.arange(len(values)), chosen]))
        columns += [pa.array(np.ascontiguousarray(column)) for column in values.T]
    return columns


def _classes(target: Target) -> pa.Array:
    return pa.array(target.classes)


def intervals_of(values: Any, intervals: Intervals | None, level: float) -> list[pa.Array]:
    """Return the ends of each row's interval. Raises MiranteError for a level that cannot be."""
    if intervals is None:
        raise MiranteError(
            "interval: expected a model of a quantity, trained by a release that has intervals"
        )
    try:
        return [pa.array(side) for side in intervals.bounds(values, level)]
    except LevelError as error:
        raise MiranteError(str(error)) from None


def contributions_of(
    batch: Batch, outputs: Outputs, explainer: Explainer | None, schema: Schema
) -> list[pa.Array]:
    """Return the baseline, and what each feature contributes to the score that is answered.

    Of two classes that is the second's, in every row; of more the predicted one's.
    Raises MiranteError for a model that does not explain its answers.
    """
    if explainer is None:
        raise MiranteError("contributions: this model's answers are not explained")
    winners = outputs.argmax(axis=1).tolist() if schema.target.classes else [0] * len(outputs)
    found = explainer.explain(batch, winners, words=False)
    columns = [np.ascontiguousarray(column) for column in found.contributions.T]
    return [pa.array(found.baselines, pa.float64()), *map(pa.array, columns)]
