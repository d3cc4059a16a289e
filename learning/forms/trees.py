"""Decision trees as a neutral table: no library's format, no preparation left in front of them.

A forest from scikit-learn, from R or from a test is first brought into this
shape, over the raw float32 matrix of a Batch, and only then written as a graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from learning.links import QUANTITIES

Link = Literal["mean", "logistic", "softmax", "identity", "exponential"]


LARGEST = float(np.finfo(np.float32).max)


class AtMost(NamedTuple):
    """Holds where the feature, a float32, is at most the threshold, a float64.

    `missing` says whether it holds for NaN; None when NaN never comes.
    """

    feature: int
    threshold: float
    missing: bool | None = None


class Is(NamedTuple):
    """Holds where a category's code is `code`, and for NaN if `missing`.

    A code of None is that of no value: it holds for NaN alone.
    """

    feature: int
    code: int | None
    missing: bool = False


Test = AtMost | Is


class Leaf(NamedTuple):
    """Where a tree ends: a value for each output. `rows` is how many training rows came here."""

    values: tuple[float, ...]
    rows: float = 0.0


class Split(NamedTuple):
    """Where a tree branches. `rows` is how many training rows came here, 0 when not known."""

    test: Test
    yes: Node
    no: Node
    rows: float = 0.0


Node = Leaf | Split


@dataclass(frozen=True)
class Forest:
    """Trees whose values are added up to `outputs` scores.

    `mean`: the scores are divided by the number of trees, and are probabilities;
    `logistic`, `softmax`: `base` is added, and the function of that name gives
    the probabilities. One output is the probability of the second of two classes.
    `identity`, `exponential`: `base` is added, and the score, or its exponential, is a quantity.
    """

    trees: tuple[Node, ...]
    columns: int
    outputs: int
    link: Link = "mean"
    base: tuple[float, ...] = ()

    @property
    def quantity(self) -> bool:
        """Whether it answers a quantity, and no classes."""
        return self.link in QUANTITIES


def single(value: float) -> float:
    """Return the float32 that splits rounded numbers as `value` splits the doubles they stand for.

    Only the float32 nearest to `value` is in doubt: among the doubles that round
    to it are some at most `value` and some above. It is taken for the shortest
    decimal that it may be, such as 1.8, which in R may be above a midpoint of
    1.7999999999999998.
    """
    if not abs(value) <= LARGEST:
        return value
    nearest = np.float32(value)
    meant = float(np.format_float_positional(nearest, unique=True))
    return float(nearest if meant <= value else np.nextafter(nearest, np.float32(-np.inf)))


class _Known(NamedTuple):
    """What the ancestors' answers tell of a category: its code, or codes that it is not."""

    code: int | Literal["any"] | None = "any"
    others: frozenset[int | None] = frozenset()


_Path = Mapping[int, _Known]


def pruned(node: Node, path: _Path | None = None) -> Node:
    """Return the tree without the splits that decide nothing.

    Those are the ones whose two sides are equal leaves, and tests of a category
    that were already answered on the way down.
    """
    path = path or {}
    if isinstance(node, Leaf):
        return node
    known = _answer(node.test, path)
    if known is not None:
        return pruned(node.yes if known else node.no, path)
    yes = pruned(node.yes, _after(node.test, path, True))
    no = pruned(node.no, _after(node.test, path, False))
    if isinstance(yes, Leaf) and isinstance(no, Leaf) and yes.values == no.values:
        return Leaf(yes.values, yes.rows + no.rows)
    return Split(node.test, yes, no, node.rows)


def _answer(test: Test, path: _Path) -> bool | None:
    if isinstance(test, AtMost) or test.feature not in path:
        return None
    known = path[test.feature]
    if known.code != "any":
        return known.code == test.code or (known.code is None and test.missing)
    excluded = test.code in known.others and (not test.missing or None in known.others)
    return False if excluded else None


def _after(test: Test, path: _Path, holds: bool) -> _Path:
    if isinstance(test, AtMost):
        return path
    known = path.get(test.feature, _Known())
    if not holds:
        gone = {test.code, None} if test.missing else {test.code}
        return {**path, test.feature: _Known("any", known.others | gone)}
    if test.missing and test.code is not None and None not in known.others:
        return path
    return {**path, test.feature: _Known(test.code)}


def leaves(node: Node) -> int:
    """Return the number of leaves."""
    return 1 if isinstance(node, Leaf) else leaves(node.yes) + leaves(node.no)


def every_test(forest: Forest) -> Iterator[Test]:
    """Yield the test of every split, tree by tree."""
    stack: list[Node] = list(forest.trees)
    while stack:
        node = stack.pop()
        if isinstance(node, Split):
            yield node.test
            stack += (node.yes, node.no)


def thresholds(forest: Forest) -> dict[int, list[float]]:
    """Return the distinct thresholds of each feature, sorted."""
    found: dict[int, set[float]] = {}
    for test in every_test(forest):
        if isinstance(test, AtMost):
            found.setdefault(test.feature, set()).add(test.threshold)
    return {feature: sorted(values) for feature, values in found.items()}
