"""The compiled runtime of a linear model: numpy and nothing else, in double precision.

For a row it is as fast as the least that a call of ONNX Runtime costs, it is
exact, and a process that serves nothing else never loads that library.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from learning.links import probabilities_of, row_probabilities
from learning.prediction import Outputs
from learning.runtimes.scores import LinearModel, LinearScorer
from tables.batch import Batch

MEMBER = "linear.json"


def dump(model: LinearModel) -> dict[str, bytes]:
    """Return the artifact's members that `load` reads."""
    return {MEMBER: msgspec.json.encode(model)}


def load(members: Mapping[str, bytes]) -> LinearRuntime:
    """Return the runtime of an artifact's members."""
    return LinearRuntime(msgspec.json.decode(members[MEMBER], type=LinearModel))


class LinearRuntime:
    """A linear model over a batch's matrix."""

    name = "linear"
    compiled = True
    quick = True

    def __init__(self, model: LinearModel) -> None:
        self.terms = LinearScorer(model)

    def outputs(self, batch: Batch) -> Outputs:
        """Return the probabilities `[n, k]`."""
        if len(batch.matrix) == 1:
            return row_probabilities(self.terms.row(batch.matrix))
        return probabilities_of(self.terms.rows(batch.matrix))
