"""A trained model: all that an artifact keeps of one, whether it was learnt here or imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from learning.compile.compilation import Compiled
from learning.prediction import Outputs, Runtime
from learning.tasks import task_of
from tables.dataset import Dataset
from tables.schema import Schema

# Rows that the artifact keeps with their answers; whoever loads it answers them again.
GOLDEN_ROWS = 20
# Of these, the first that have a missing value.
GOLDEN_MISSING = 5


class Golden(NamedTuple):
    """Rows, as a client would send them, and the runtime's outputs for them `[n, width]`."""

    rows: list[dict[str, Any]]
    outputs: list[list[float]]


@dataclass(frozen=True)
class TrainedModel:
    """A model, as `write_model` writes it.

    `runtime_name` is that of the runtime that serves it, `compiled` whether that
    needs no scikit-learn; `members` are its bytes, and the estimator's if it is
    kept. `parity` is the proof that it answers as the estimator does, and
    `reason` says why it is not compiled. `info` is what model_info shows,
    `origin` how the model was made.
    """

    schema: Schema
    runtime_name: str
    compiled: bool
    members: Mapping[str, bytes]
    golden: Golden
    metrics: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)
    parity: dict[str, float] | None = None
    reason: str | None = None
    training_rows: int = 0
    protocols: tuple[str, ...] = ()

    @property
    def runtime(self) -> dict[str, Any]:
        """What is shown of the runtime, JSON-ready; what does not apply is absent."""
        facts = {"parity": self.parity, "reason": self.reason}
        given = {key: value for key, value in facts.items() if value is not None}
        return {"name": self.runtime_name, "compiled": self.compiled, **given}


def golden_of(rows: list[dict[str, Any]], outputs: Outputs) -> Golden:
    """Return the first rows with their outputs."""
    return Golden(rows[:GOLDEN_ROWS], outputs[:GOLDEN_ROWS].tolist())


def choose_golden(holdout: Dataset, runtime: Runtime) -> Golden:
    """Return some rows of the hold-out with the runtime's outputs.

    Those that the task names are always among them, and some with missing values.
    """
    telling = task_of(holdout.schema.target).golden(holdout.target)
    missing = np.flatnonzero(np.isnan(holdout.batch.matrix).any(axis=1))[:GOLDEN_MISSING].tolist()
    others = range(min(holdout.rows, GOLDEN_ROWS))
    count = max(GOLDEN_ROWS, len(telling))
    chosen = list(dict.fromkeys([*telling, *missing, *others]))[:count]
    outputs = runtime.outputs(holdout.take(np.array(chosen)).batch)
    return Golden(holdout.objects(chosen), outputs.tolist())


def trained_model(
    compiled: Compiled,
    holdout: Dataset,
    metrics: Mapping[str, Any],
    info: Mapping[str, Any],
    origin: Mapping[str, Any],
) -> TrainedModel:
    """Return a model that was learnt here, with its golden rows; notes stand beside the metrics."""
    notes = {"notes": list(holdout.notes)} if holdout.notes else {}
    return TrainedModel(
        schema=holdout.schema,
        runtime_name=compiled.runtime.name,
        compiled=compiled.runtime.compiled,
        members=compiled.members,
        golden=choose_golden(holdout, compiled.runtime),
        metrics={**metrics, **notes},
        info={**info, **notes},
        origin=origin,
        parity=compiled.parity,
        reason=compiled.reason,
    )
