"""What a forest of short paths contributes: look-ups in tables that are made when it is loaded.

Neighbouring leaves share most of the conditions on their paths. So they are taken together in
groups of few different conditions: a row's pattern of a group, which of them hold, is the place
in the group's table of what each feature contributes. The bits of a pattern are those of the bins
that the row's columns are in, taken together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from learning.explaining.background import Background
from learning.explaining.bins import Conditions, Places
from learning.explaining.paths import Doubles, Flags, Paths
from learning.explaining.shapley import chances, patterns, tables
from tables.batch import Matrix

# Of all tables, and of the bits by bin and group.
MOST_BYTES = 32_000_000
# Conditions of a group, where none of its leaves has more.
MOST_SHARED = 6
# Numbers worked on at a time: while tables are made, and of rows.
CHUNK, ROWS = 4_000_000, 32

Bits = NDArray[np.uint8]


class TableTrees:
    """Groups of leaves, and a table for each feature of each group, by pattern of the group."""

    quick = True
    work = 0

    def __init__(self, paths: Paths, features: int, background: Background | None = None) -> None:
        self._features = features
        self.baseline = _baseline(paths, background)
        leaves = np.diff(paths.starts) > 0
        given = Leaves(paths.taken(leaves), background.of(leaves) if background else None)
        groups = grouped(given.paths)
        self._conditions, self._count = Conditions(given.paths), len(groups.sizes)
        self._defining = groups
        self._tables = _laid_out(given, groups)
        self._firsts = np.flatnonzero(np.diff(self._tables.owners, prepend=-1))
        self._present = self._tables.owners[self._firsts]
        self._full = ((1 << groups.sizes) - 1).astype(np.uint8)
        self._masks = self._by_bin(given.paths)

    @property
    def cost(self) -> str:
        """What explaining a row takes, in words."""
        return f"microseconds a row: {len(self._tables.groups)} look-ups"

    def rows(self, matrix: Matrix) -> Doubles:
        """Return what each feature contributes `[n, features]`, of rows of the matrix."""
        found = np.zeros((len(matrix), self._features))
        if not len(self._present):
            return found
        values, widths, base, groups, _ = self._tables
        for start in range(0, len(matrix), ROWS):
            places = (self._patterns(matrix[start : start + ROWS]) * widths).take(groups, axis=1)
            places += base
            sums = np.add.reduceat(values.take(places), self._firsts, axis=1)
            found[start : start + ROWS, self._present] = sums
        return found

    def _patterns(self, matrix: Matrix) -> Bits:
        """Return which conditions of each group hold, as bits `[n, groups]`."""
        bins = self._conditions.bins
        if self._masks is None:
            return np.array([self._tested(row) for row in matrix.tolist()])
        if len(matrix) == 1:
            own = self._masks.take(bins.of_row(matrix[0].tolist()), 0)
            return np.asarray(np.bitwise_and.reduce(own, axis=0, keepdims=True))
        first, *others = bins.of_rows(matrix)
        found = self._masks.take(first, 0)
        for column in others:
            found &= self._masks.take(column, 0)
        return np.asarray(found)

    def _tested(self, row: list[float]) -> Bits:
        """Return the bits of a row by asking each test, where there are too many bins."""
        fail = ~self._conditions.of_row(row)[self._defining.conditions]
        pattern = self._full.copy()
        np.bitwise_and.at(pattern, self._defining.groups[fail], ~self._defining.bits[fail])
        return pattern

    def _by_bin(self, paths: Paths) -> Bits | None:
        """Return what is left of each group's bits by each bin of each column `[bins, groups]`."""
        bins = self._conditions.bins
        if bins.total * self._count > MOST_BYTES:
            return None
        masks = np.tile(self._full, (bins.total, 1))
        place = np.full(len(paths.owners), -1, np.intp)
        place[self._defining.conditions] = np.arange(len(self._defining.conditions))
        defined = place[paths.conditions]
        for column in bins.used:
            tests = np.flatnonzero((paths.columns == column) & (defined >= 0))
            size, start = len(paths.edges[column]) + 1, bins.starts[column]
            numbers = np.arange(size)[:, np.newaxis]
            within = (numbers >= paths.low[tests]) & (numbers < paths.high[tests])
            holds = np.vstack([within == paths.inside[tests], paths.missing[tests]])
            own = defined[tests]
            cleared = np.where(holds, 255, ~self._defining.bits[own]).astype(np.uint8)
            _clear(masks[start : start + size + 1], cleared, self._defining.groups[own])
        return masks


def _clear(masks: Bits, cleared: Bits, groups: Any) -> None:
    """Take away the bits of each test from its group's, in place; a group's are neighbours."""
    firsts = np.flatnonzero(np.diff(groups, prepend=-1))
    if len(firsts):
        masks[:, groups[firsts]] &= np.bitwise_and.reduceat(cleared, firsts, axis=1)


class Leaves(NamedTuple):
    """Leaves that each have a condition, and the sample that they are explained against, if any."""

    paths: Paths
    background: Background | None = None

    def chances(self, leaves: Places, rates: Doubles) -> Doubles:
        """Return how likely each pattern of leaves of as many conditions is."""
        if self.background is None:
            return chances(rates)
        return self.background.chances(leaves, rates.shape[1])


def _baseline(paths: Paths, background: Background | None) -> float:
    if background is None:
        return paths.baseline()
    full = (np.uint64(1) << np.diff(paths.starts).astype(np.uint64)) - np.uint64(1)
    holds = background.patterns == full[background.leaves]
    each = paths.values[background.leaves] * background.shares
    return float(each[holds].sum())


# ---------------------------------------------------------------- groups


class Groups(NamedTuple):
    """Groups of leaves, and the bits of their patterns.

    `of` is the group of each leaf `[L]`, `sizes` how many bits its pattern has. `bit` and `same`
    are of each condition `[P]`: which bit it is, and whether it holds where that is set.
    `conditions` are those that bits stand for, `groups` and `bits` (one set) theirs.
    """

    of: Places
    sizes: Places
    bit: NDArray[np.uint8]
    same: Flags
    conditions: Places
    groups: Places
    bits: Bits


def grouped(paths: Paths) -> Groups:
    """Return groups of neighbouring leaves that have few conditions between them."""
    numbers, signs = _numbered(paths)
    starts = paths.starts.tolist()
    of, sizes, defining, owners = [], [], [], []
    bit, same = [0] * len(numbers), [True] * len(numbers)
    known: dict[int, tuple[int, bool]] = {}
    for leaf in range(len(starts) - 1):
        own = range(starts[leaf], starts[leaf + 1])
        fresh = sum(numbers[c] not in known for c in own)
        if known and len(known) + fresh > MOST_SHARED:
            sizes.append(len(known))
            known = {}
        for c in own:
            if numbers[c] not in known:
                known[numbers[c]] = len(known), signs[c]
                defining.append(c)
                owners.append(len(sizes))
            bit[c], sign = known[numbers[c]]
            same[c] = sign == signs[c]
        of.append(len(sizes))
    sizes += [len(known)] if known else []
    conditions = np.array(defining, np.intp)
    bits = np.array(bit, np.uint8)
    return Groups(
        np.array(of, np.intp),
        np.array(sizes, np.intp),
        bits,
        np.array(same, np.bool_),
        conditions,
        np.array(owners, np.intp),
        (1 << bits[conditions].astype(np.int64)).astype(np.uint8),
    )


def _numbered(paths: Paths) -> tuple[list[int], list[bool]]:
    """Return a number for each condition `[P]`, and its sign: that of another is its opposite."""
    # A test and its opposite are one of the same bins, either way round.
    inside = paths.inside
    keys = np.column_stack([paths.columns, paths.low, paths.high, paths.missing == inside])
    tests = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    counts = np.bincount(paths.conditions, minlength=len(paths.owners))
    first = np.cumsum(counts) - counts
    numbers, signs = tests[first].tolist(), inside[first].tolist()
    literals = (2 * tests + inside).tolist()
    several: dict[tuple[int, ...], int] = {}
    for c in np.flatnonzero(counts > 1).tolist():
        own = tuple(sorted(literals[first[c] : first[c] + counts[c]]))
        numbers[c] = -1 - several.setdefault(own, len(several))
        signs[c] = True
    return numbers, signs


# ---------------------------------------------------------------- tables


class Tables(NamedTuple):
    """What groups contribute by pattern, end to end, and where what is looked up begins.

    A group has for each pattern the values of its features side by side, in one or two lines
    of the processor's cache; `widths` `[G]` is how many they are. Look-ups stand by feature:
    `base` is each one's place for pattern 0, with its group and its feature.
    """

    values: Doubles
    widths: Places
    base: Places
    groups: Places
    owners: Places


def _laid_out(given: Leaves, groups: Groups) -> Tables:
    paths = given.paths
    features = int(paths.owners.max(initial=-1)) + 1
    keys = paths.owners * len(groups.sizes) + groups.of[paths.leaves]
    entries, entry = np.unique(keys, return_inverse=True)
    entry = entry.reshape(-1)
    group = entries % max(1, len(groups.sizes))
    widths = np.bincount(group, minlength=len(groups.sizes))
    sizes = widths << groups.sizes
    by_group = np.argsort(group, kind="stable")
    nth = np.empty_like(group)
    nth[by_group] = np.arange(len(group)) - np.repeat(np.cumsum(widths) - widths, widths)
    base = (np.cumsum(sizes) - sizes)[group] + nth
    values = np.zeros(int(sizes.sum()))
    own, starts = _of_leaves(given)
    leaf_groups = groups.of
    for size in np.unique(groups.sizes).tolist():
        chosen = np.flatnonzero(groups.sizes[leaf_groups] == size)
        step = max(1, CHUNK // (features + 8) // (1 << size))
        for part in np.split(chosen, range(step, len(chosen), step)):
            made, conditions = _by_pattern(paths, groups, part, size, own, starts)
            at = entry[conditions][:, np.newaxis]
            np.add.at(values, base[at] + np.arange(1 << size) * widths[group[at]], made)
    return Tables(values, widths, base, group, entries // max(1, len(groups.sizes)))


def _by_pattern(
    paths: Paths, groups: Groups, leaves: Places, size: int, own: Doubles, starts: Places
) -> tuple[Doubles, Places]:
    """Return what conditions of leaves contribute `[p, 2 ** size]`, by the group's pattern."""
    counts = np.diff(paths.starts)[leaves]
    firsts = np.cumsum(counts) - counts
    conditions = np.repeat(paths.starts[leaves] - firsts, counts) + np.arange(counts.sum())
    holds = patterns(size).T[groups.bit[conditions]] == groups.same[conditions][:, np.newaxis]
    places = np.arange(len(conditions)) - np.repeat(firsts, counts)
    found = np.add.reduceat(holds.astype(np.intp) << places[:, np.newaxis], firsts, axis=0)
    at = np.repeat(found, counts, axis=0) + starts[conditions][:, np.newaxis]
    return own.take(at), conditions


def _of_leaves(given: Leaves) -> tuple[Doubles, Places]:
    """Return the tables of each condition, by its leaf's pattern, and where each begins."""
    paths = given.paths
    counts = np.diff(paths.starts)
    sizes = (1 << counts)[paths.leaves].astype(np.intp)
    starts = np.cumsum(sizes) - sizes
    found = np.empty(int(sizes.sum()))
    for count in np.unique(counts).tolist():
        leaves = np.flatnonzero(counts == count)
        conditions = paths.starts[leaves][:, np.newaxis] + np.arange(count)
        likely = given.chances(leaves, paths.rates[conditions])
        made = tables(paths.values[leaves], likely)
        found[starts[conditions][:, :, np.newaxis] + np.arange(1 << count)] = made
    return found, starts
