"""What predicts: a batch of encoded rows in, outputs out, such as class probabilities."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tables.batch import Batch

Outputs = NDArray[np.floating]


class Runtime(Protocol):
    """A learnt model that predicts.

    `name` is what the manifest calls it, `compiled` whether it needs no
    scikit-learn, and `quick` whether one row is cheap enough for an event loop
    (well under a millisecond).
    """

    name: str
    compiled: bool
    quick: bool

    def outputs(self, batch: Batch) -> Outputs:
        """Return the outputs `[n, width]` that the task makes its answers of."""
        ...
