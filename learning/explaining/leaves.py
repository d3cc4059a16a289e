"""The leaves of a forest with what leads to each: from trees to `explaining.paths`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from math import inf, nextafter
from typing import Any, NamedTuple

import numpy as np

from learning.explaining.paths import KINDS, Paths
from learning.forms.sources import CannotFold
from learning.forms.trees import AtMost, Forest, Leaf, Node, Split, Test, every_test

# Leaves, each counted for every score that it is a part of.
MOST_LEAVES = 300_000


class _Step(NamedTuple):
    """A test on the way to a leaf, what was answered, and the share of rows that answered so."""

    test: Test
    yes: bool
    rate: float


def paths_of(forest: Forest, owners: Sequence[int]) -> Paths:
    """Return the leaves of a forest; `owners` are the features of the matrix's columns.

    Raises CannotFold for trees that do not say how many rows came where, and for too many.
    """
    edges = _edges(forest)
    made = _Arrays(edges, owners)
    # The scores of such trees are divided by their number.
    share = 1.0 / len(forest.trees) if forest.link == "mean" else 1.0
    for tree in forest.trees:
        if isinstance(tree, Split) and not tree.rows:
            raise CannotFold("its trees do not say how many rows came where")
        for leaf, steps in _walk(tree, ()):
            for output, value in enumerate(leaf.values):
                if value:
                    made.add(value * share, output, steps)
    return made.paths()


def _walk(node: Node, steps: tuple[_Step, ...]) -> Iterator[tuple[Leaf, tuple[_Step, ...]]]:
    if isinstance(node, Leaf):
        yield node, steps
        return
    no = _rate(node)
    yield from _walk(node.yes, (*steps, _Step(node.test, True, 1.0 - no)))
    yield from _walk(node.no, (*steps, _Step(node.test, False, no)))


def _rate(split: Split) -> float:
    """Return the share of the rows that the test does not hold for.

    A set of categories is tested one by one: what is known is how many rows are left. Where
    none came, as in parts of an oblivious tree, either answer is as likely.
    """
    if not split.rows:
        return 0.5
    return min(1.0, max(0.0, split.no.rows / split.rows))


def _edges(forest: Forest) -> list[list[float]]:
    """Return the upper ends of the bins of each column, in order."""
    found: list[set[float]] = [set() for _ in range(forest.columns)]
    for test in every_test(forest):
        if isinstance(test, AtMost):
            found[test.feature].add(test.threshold)
        elif test.code is not None:
            found[test.feature] |= {nextafter(test.code, -inf), float(test.code)}
        else:
            found[test.feature].add(0.0)
    return [sorted(edges) for edges in found]


class _Arrays:
    """The arrays of `Paths`, as lists that grow."""

    def __init__(self, edges: list[list[float]], owners: Sequence[int]) -> None:
        self._edges = edges
        self._owners = owners
        self._lists: dict[str, list[float]] = {name: [] for name in KINDS}
        self._lists["starts"].append(0)

    def add(self, value: float, output: int, steps: tuple[_Step, ...]) -> None:
        """Add a leaf."""
        lists = self._lists
        if len(lists["values"]) >= MOST_LEAVES:
            raise CannotFold(f"its trees have more than {MOST_LEAVES} leaves")
        lists["values"].append(value)
        lists["outputs"].append(output)
        by_owner: dict[int, list[_Step]] = {}
        for step in steps:
            by_owner.setdefault(self._owners[step.test.feature], []).append(step)
        for owner, own in by_owner.items():
            self._add_condition(owner, own)
        lists["starts"].append(len(lists["owners"]))

    def _add_condition(self, owner: int, steps: list[_Step]) -> None:
        lists = self._lists
        for step in steps:
            low, high, missing = self._bins(step.test)
            lists["conditions"].append(len(lists["owners"]))
            lists["columns"].append(step.test.feature)
            lists["low"].append(low)
            lists["high"].append(high)
            lists["inside"].append(step.yes)
            lists["missing"].append(missing == step.yes)
        lists["owners"].append(owner)
        lists["rates"].append(float(np.prod([step.rate for step in steps])))

    def _bins(self, test: Test) -> tuple[int, int, bool]:
        """Return the first bin that a test holds for, the one after the last, and if for NaN."""
        edges = self._edges[test.feature]
        if isinstance(test, AtMost):
            return 0, bisect_left(edges, test.threshold) + 1, bool(test.missing)
        if test.code is None:
            return 0, 0, True
        index = bisect_left(edges, float(test.code))
        return index, index + 1, test.missing

    def paths(self) -> Paths:
        """Return the arrays."""
        arrays: dict[str, Any] = {
            name: np.array(self._lists[name], kind) for name, kind in KINDS.items()
        }
        return Paths(**arrays, edges=tuple(map(tuple, self._edges)))
