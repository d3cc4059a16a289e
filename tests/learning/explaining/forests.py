"""A small forest, and what features contribute to its score by the definition."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np

from learning.forms.trees import AtMost, Forest, Is, Leaf, Node, Split

OWNERS = [0, 0, 1, 2]
TREE = Split(
    AtMost(0, 1.5, missing=True),
    Split(
        AtMost(1, 0.5, missing=False),
        Leaf((1.0,), 2.0),
        Split(AtMost(0, -1.0, missing=False), Leaf((-2.0,), 1.0), Leaf((0.5,), 3.0), 4.0),
        6.0,
    ),
    Split(
        Is(2, 3, missing=True),
        Split(Is(3, None, missing=True), Leaf((3.0,), 1.0), Leaf((3.5,), 1.0), 2.0),
        Leaf((4.0,), 3.0),
        5.0,
    ),
    11.0,
)
FOREST = Forest((TREE, Leaf((0.25,), 11.0)), 4, 1, "identity", (0.0,))


def holds(test, row) -> bool:
    value = row[test.feature]
    if np.isnan(value):
        return bool(test.missing)
    return value <= test.threshold if isinstance(test, AtMost) else value == test.code


def expected_value(node, row, known) -> float:
    """The tree's value where only the features in `known` are known: path-dependent."""
    if isinstance(node, Leaf):
        return node.values[0]
    if OWNERS[node.test.feature] in known:
        return expected_value(node.yes if holds(node.test, row) else node.no, row, known)
    no = node.no.rows / node.rows
    return (1 - no) * expected_value(node.yes, row, known) + no * expected_value(
        node.no, row, known
    )


def answer_of(row) -> float:
    """The tree's value where everything is known."""
    return expected_value(TREE, row, {0, 1, 2})


def beside(rows) -> Callable[[Any, set[int]], float]:
    """The mean of the tree's values where what is not known is that of a sample's rows."""

    def worth(row, known) -> float:
        mixed = [[row[c] if OWNERS[c] in known else r[c] for c in range(4)] for r in rows]
        return float(np.mean([answer_of(one) for one in mixed]))

    return worth


def path_dependent(row, known) -> float:
    """The tree's value as training rows came by where something is not known."""
    return expected_value(TREE, row, known)


def by_definition(row, worth: Callable[[Any, set[int]], float] = path_dependent) -> list[float]:
    """The mean gain of each feature over all orders: Shapley 1953."""
    features, found = range(3), []
    for j in features:
        others, total = [i for i in features if i != j], 0.0
        for size in range(3):
            weight = factorial(size) * factorial(2 - size) / factorial(3)
            for chosen in combinations(others, size):
                total += weight * (worth(row, {*chosen, j}) - worth(row, set(chosen)))
        found.append(total)
    return found


def asked() -> np.ndarray:
    """Rows that come to every leaf, with missing values and codes never seen."""
    values = [-2.0, 0.0, 0.75, 2.0, np.nan]
    rows = [
        [a, b, code, np.nan if a == 2.0 else 1.0]
        for a in values
        for b in values
        for code in (-1.0, 3.0, 4.0, np.nan)
    ]
    return np.array(rows, np.float32)


def chain(count: int) -> Node:
    """A tree with one path through so many features, which has 1 at its end, and 0 beside it."""
    node: Node = Leaf((1.0,), 1.0)
    for column in range(count):
        node = Split(AtMost(column, 0.0), node, Leaf((0.0,), 1.0), 2.0 + column)
    return node
