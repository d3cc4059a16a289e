"""What predicts: a batch of encoded rows in, class probabilities out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tables.batch import Batch

Probabilities = NDArray[np.floating]


class Runtime(Protocol):
    """A learnt model that predicts.

    `name` is what the manifest calls it, `compiled` whether it needs no
    scikit-learn, and `quick` whether one row is cheap enough for an event loop
    (well under a millisecond).
    """

    name: str
    compiled: bool
    quick: bool

    def probabilities(self, batch: Batch) -> Probabilities:
        """Return the probabilities `[n, k]` of the k classes, in the label's order."""
        ...
