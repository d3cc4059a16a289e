"""What every runtime is: rows encoded into a batch in, class probabilities out."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Probabilities = NDArray[np.floating]


class Batch(NamedTuple):
    """Encoded rows.

    `matrix` is C-contiguous float32 `[n, d]`, a column for each feature that is
    not text, in the signature's order: categories by code (-1 for one never
    seen), booleans 0 or 1, missing NaN. `texts` holds a list of n strings for
    each text feature. `len(batch.matrix)` is n, also when there are only texts.
    """

    matrix: Matrix
    texts: tuple[list[str], ...] = ()


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
