"""Learnt rows: which rows a model has learnt from, kept small, for it is not judged by them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from errors import ArtifactDamaged
from tables.batch import Batch
from tables.row_digests import Digests, row_digests

MEMBER = "learnt.rows"
# Half of a digest: of a million rows learnt from, one in 4,295 others is taken for one of them.
_KIND = np.dtype("<u4")


def dump(batch: Batch) -> dict[str, bytes]:
    """Return the member that keeps which rows were learnt from: four bytes a row."""
    return of_digests(row_digests(batch))


def of_digests(digests: Digests) -> dict[str, bytes]:
    """Return the member that keeps which rows of these digests were learnt from."""
    return {MEMBER: np.unique(digests.astype(_KIND)).tobytes()}


def learnt(members: Mapping[str, bytes], batch: Batch) -> NDArray[np.bool_] | None:
    """Return which of these rows a model of the members has learnt from; None if it cannot tell.

    The rows are encoded as the model encodes them: whatever else the table has, what the
    model reads of a row is the same. Raises ArtifactDamaged.
    """
    if MEMBER not in members:
        return None
    if len(members[MEMBER]) % _KIND.itemsize:
        raise ArtifactDamaged(f"the artifact's {MEMBER} is not what this release writes")
    return np.isin(_digests(batch), np.frombuffer(members[MEMBER], dtype=_KIND))


def _digests(batch: Batch) -> NDArray[np.uint32]:
    return row_digests(batch).astype(_KIND)
