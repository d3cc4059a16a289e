"""Groups: rows that stay on one side of every split, for one tells of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from errors import DatasetError
from tables.batch import Batch
from tables.cells import ALWAYS_MISSING
from tables.distinct import distinct
from tables.row_digests import row_digests
from tables.strata import SMALLEST_CLASS

Codes = NDArray[np.intp]
# Of fewer copies than one row in a hundred nothing is said.
FEWEST_NOTED = 0.01


@dataclass(frozen=True)
class Groups:
    """The group of each row, from 0 on; `column` names them, None where they are equal rows."""

    codes: Codes
    column: str | None = None

    def take(self, indices: Codes) -> Groups:
        """Return the groups of these rows, numbered anew."""
        return Groups(_numbered(self.codes[indices]), self.column)

    @property
    def amount(self) -> int:
        """How many groups there are."""
        return int(self.codes.max()) + 1

    @property
    def first(self) -> Codes:
        """The index of each group's first row."""
        return np.unique(self.codes, return_index=True)[1]

    @property
    def sizes(self) -> Codes:
        """How many rows each group has."""
        return np.bincount(self.codes)

    def rarest(self, strata: Codes) -> Codes:
        """Return the rarest stratum among the rows of each group: by it a group is drawn."""
        found, index, counts = np.unique(strata, return_inverse=True, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        rank = np.empty(len(found), dtype=np.intp)
        rank[order] = np.arange(len(found))
        rarest = np.zeros(self.amount, dtype=np.intp)
        np.maximum.at(rarest, self.codes, rank[index])
        return np.asarray(found[order][rarest])


def groups_of(cells: Sequence[Any], column: str) -> tuple[Groups, tuple[str, ...]]:
    """Return the groups that a column names, and what its owner should know.

    A row without a name is a group of its own. Raises DatasetError where there is one group.
    """
    codes = distinct(cells).without(ALWAYS_MISSING).codes.copy()
    nameless = np.flatnonzero(codes < 0)
    codes[nameless] = np.arange(len(nameless)) + codes.max(initial=-1) + 1
    groups = Groups(_numbered(codes), column)
    if groups.amount < 2:
        raise DatasetError(f"group: all rows have one value of {column}; two groups are needed")
    said = [f"{groups.amount} groups of {column} stay whole on one side of the hold-out"]
    if len(nameless):
        said.append(f"{column} has no value in {len(nameless)} rows; each is a group of its own")
    return groups, tuple(said)


def equal_rows(
    batch: Batch, values: NDArray[Any], classes: bool
) -> tuple[Groups | None, tuple[str, ...]]:
    """Return rows that are equal in every feature as groups, and a note that counts them.

    None where all rows differ. Where too few rows differ to hold some of every class
    out whole (as many as a class needs rows), equal rows are on both sides, and the
    note says so. It leaves out a few copies that are kept together.
    """
    groups = Groups(_numbered(row_digests(batch)))
    rows = len(groups.codes)
    copies = rows - groups.amount
    if not copies:
        return None, ()
    noted = copies >= FEWEST_NOTED * rows
    said = f"{copies} of {rows} rows are copies: another row is equal in every feature"
    if _are_enough(groups, values, classes):
        whole = f"{said}; equal rows stay on one side of the hold-out"
        return groups, (whole,) if noted else ()
    few = f"{said}; only {groups.amount} rows differ, so that copies of what is learnt are held out"
    return None, (few,)


def _are_enough(groups: Groups, values: NDArray[Any], classes: bool) -> bool:
    if not classes:
        return groups.amount >= 2 * SMALLEST_CLASS
    counts = np.bincount(groups.rarest(values), minlength=int(values.max()) + 1)
    return bool(counts.min() >= SMALLEST_CLASS)


def _numbered(values: NDArray[Any]) -> Codes:
    """Return values as numbers from 0 on, in the order in which they first stand."""
    _, first, codes = np.unique(values, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[codes]
