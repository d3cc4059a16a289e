"""Which rows are learnt from, and which are held out."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import DatasetError
from tables.dataset import Dataset
from tables.groups import Groups
from tables.strata import drawn, held_out, sampled
from tables.times import Times, spelt_time

Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]
Doubles = NDArray[np.float64]
# So many draws are tried for groups of which every class is on both sides.
DRAWS = 50


class Fold(NamedTuple):
    """The indices of rows to learn from, and of those to judge by."""

    inside: Indices
    outside: Indices


def split(
    dataset: Dataset, seed: int, fraction: float = 0.2, strata: Indices | None = None
) -> tuple[Dataset, Dataset]:
    """Return training part and hold-out: `fraction` of each stratum, at least one row, by chance.

    A row's stratum is its class, unless others are given. The same dataset and
    seed give the same rows, in the table's order. Rows of a group stay together.
    Where the dataset has times, the latest rows are held out. Raises DatasetError
    where groups or times leave a class on one side only.
    """
    strata = dataset.target if strata is None else strata
    if dataset.times is not None:
        held = _latest(dataset.times, fraction)
        _check_sides(dataset, held)
    elif dataset.groups is not None:
        held = _some_groups(dataset, dataset.groups, strata, seed, fraction)
    else:
        held = held_out(strata, seed, fraction)
    return dataset.take(np.flatnonzero(~held)), dataset.take(np.flatnonzero(held))


def folds(dataset: Dataset, count: int, seed: int, strata: Indices | None = None) -> list[Fold]:
    """Return at most `count` folds, with every stratum in proportion, groups whole.

    Where the dataset has times each fold is judged by rows later than those it
    learns from, so that the earliest rows are in no fold's outside.
    """
    strata = dataset.target if strata is None else strata
    if dataset.times is not None:
        forward = [f for f in _forward(dataset.times, count) if _has_all(dataset, f.inside)]
        if forward:
            return forward
    elif dataset.groups is not None:
        whole = _grouped(dataset.groups, count, seed, strata)
        if whole and all(_has_all(dataset, fold.inside) for fold in whole):
            return whole
    return _stratified(strata, count, seed)


def sample(dataset: Dataset, rows: int, strata: Indices | None = None) -> Dataset:
    """Return so many rows with every stratum in proportion, always the same; or all there are."""
    if dataset.rows <= rows:
        return dataset
    return dataset.take(sampled(dataset.target if strata is None else strata, rows))


def how_split(dataset: Dataset, holdout: Dataset) -> dict[str, Any]:
    """Say how a hold-out was taken from a dataset, JSON-ready.

    `by` is "chance", "group" or "time", with the `column`; of times `from` is the first held out.
    """
    if dataset.times is not None and holdout.times is not None:
        column = dataset.times.column
        row = int(np.argmin(holdout.times.known))
        since = spelt_time(dataset.schema, holdout.batch, row, column)
        return {"by": "time", "column": column, "from": since, "rows": holdout.rows}
    if dataset.groups is not None and dataset.groups.column is not None:
        return {"by": "group", "column": dataset.groups.column, "rows": holdout.rows}
    return {"by": "chance", "rows": holdout.rows}


# ---------------------------------------------------------------- groups


def _some_groups(
    dataset: Dataset, groups: Groups, strata: Indices, seed: int, fraction: float
) -> Mask:
    random = np.random.default_rng(seed)
    for _ in range(DRAWS):
        order = drawn(strata, random)[groups.first]
        held = _first_of(groups, order, groups.rarest(strata), fraction)[groups.codes]
        if _are_sides(dataset, held):
            return held
    alike = np.zeros(groups.amount, dtype=np.intp)
    held = _first_of(groups, order, alike, fraction)[groups.codes]
    _check_sides(dataset, held)
    return held


def _first_of(groups: Groups, order: Doubles, strata: Indices, fraction: float) -> Mask:
    """Return which groups are held out: the first, of each stratum about `fraction` of its rows.

    A stratum of one group is learnt from.
    """
    sizes, held = groups.sizes, np.zeros(groups.amount, dtype=bool)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        if len(members) == 1:
            continue
        wanted = max(1, round(fraction * int(sizes[members].sum())))
        members = members[np.argsort(order[members], kind="stable")]
        small = members[sizes[members] <= wanted]
        if not len(small):
            small = members[[np.argmin(sizes[members])]]
        # The last one is taken if it comes nearer to what is wanted.
        taken = np.cumsum(sizes[small]) - sizes[small] / 2 <= wanted
        held[small[taken]] = True
    return held


def _grouped(groups: Groups, count: int, seed: int, strata: Indices) -> list[Fold]:
    """Return folds of whole groups; none where there are too few of a stratum."""
    rarest = groups.rarest(strata)
    if np.bincount(rarest)[np.unique(rarest)].min() < 2:
        rarest = np.zeros(groups.amount, dtype=np.intp)
    if groups.amount < 2:
        return []
    outsides = (np.isin(groups.codes, fold.outside) for fold in _stratified(rarest, count, seed))
    return [Fold(np.flatnonzero(~outside), np.flatnonzero(outside)) for outside in outsides]


def _stratified(strata: Indices, count: int, seed: int) -> list[Fold]:
    from sklearn.model_selection import StratifiedKFold

    most = min(count, int(np.unique(strata, return_counts=True)[1].min()))
    folder = StratifiedKFold(most, shuffle=True, random_state=seed)
    return [Fold(*indices) for indices in folder.split(strata, strata)]


# ---------------------------------------------------------------- times


def _latest(times: Times, fraction: float) -> Mask:
    """Return which rows are the latest: about `fraction`, those of one time together."""
    known = times.known
    found, counts = np.unique(known, return_counts=True)
    shares = 1 - np.cumsum(counts)[:-1] / len(known)
    cut = int(np.argmin(np.abs(shares - fraction)))
    if found[cut] == -np.inf:  # rows of no known time are no part to learn from alone
        cut += len(found) > 2
    return np.asarray(known > found[cut])


def _forward(times: Times, count: int) -> list[Fold]:
    """Return folds that are judged by rows later than those that they learn from."""
    known = times.known
    edges = np.unique(np.quantile(known, np.arange(1, count + 2) / (count + 1), method="lower"))
    pairs = pairwise(edges)
    cuts = ((known <= low, (known > low) & (known <= high)) for low, high in pairs)
    return [Fold(np.flatnonzero(before), np.flatnonzero(after)) for before, after in cuts]


# ---------------------------------------------------------------- both sides


def _has_all(dataset: Dataset, rows: Indices) -> bool:
    """Tell whether rows have every class in them, or, of a quantity, whether there are some."""
    return len(rows) > 0 and not _lacking(dataset, rows)


def _lacking(dataset: Dataset, rows: Indices | Mask) -> list[str]:
    """Return the classes that some row of the dataset has, and none of these."""
    keys = dataset.schema.target.keys
    if not keys:
        return []
    missing = np.setdiff1d(dataset.target, dataset.target[rows])
    return [keys[index] for index in missing.tolist()]


def _are_sides(dataset: Dataset, held: Mask) -> bool:
    return all(_has_all(dataset, np.flatnonzero(side)) for side in (held, ~held))


def _check_sides(dataset: Dataset, held: Mask) -> None:
    """Raise DatasetError unless every class is learnt from and two, or all, are held out."""
    named = f"group {dataset.groups.column}" if dataset.groups else "group"
    if dataset.times is not None:
        named = f"time {dataset.times.column}"
    label = dataset.schema.target.name
    unlearnt, unheld = _lacking(dataset, ~held), _lacking(dataset, held)
    if unlearnt:
        raise DatasetError(f"{named}: no row of {label} {unlearnt[0]!r} would be learnt from")
    if len(dataset.schema.target.keys) - len(unheld) < 2 and unheld:
        raise DatasetError(f"{named}: no row of {label} {unheld[0]!r} would be held out")
    if held.all() or not held.any():
        raise DatasetError(f"{named}: the rows cannot be parted into two sides")
