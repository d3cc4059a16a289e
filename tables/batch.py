"""A batch: encoded rows, what every model reads."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


class Batch(NamedTuple):
    """Encoded rows.

    `matrix` is C-contiguous float32 `[n, d]`, a column for each feature that is
    not text, or for each part of a date, in the signature's order: categories by
    code (-1 for one never seen), booleans 0 or 1, missing NaN.
    `texts` holds a list of n strings for each text feature. `len(batch.matrix)` is n,
    also when there are only texts.
    """

    matrix: Matrix
    texts: tuple[list[str], ...] = ()


def joined(batches: Iterable[Batch]) -> Batch:
    """Return the rows of several batches as one."""
    given = list(batches)
    if len(given) == 1:
        return given[0]
    texts = zip(*(batch.texts for batch in given), strict=True)
    matrix = np.concatenate([batch.matrix for batch in given])
    return Batch(matrix, tuple(list(chain(*parts)) for parts in texts))
