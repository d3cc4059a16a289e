"""Trees over prepared columns as trees over raw features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from learning.forms.sources import CannotFold, Columned, Indicator, Number
from learning.forms.trees import AtMost, Is, Leaf, Link, Node, Split

# A feature with more codes than these has no categories.
MOST_CODES = 1 << 20
Values = Callable[[Any], tuple[float, ...]]


class Branch(NamedTuple):
    """A split as a library has it: a prepared column, at most a threshold, and its two sides."""

    column: int
    threshold: float
    missing_below: bool
    below: Node
    above: Node
    rows: float = 0.0


def split(given: Columned, branch: Branch) -> Node:
    """Return the split of a prepared column as one of its raw feature. Raises CannotFold."""
    source = given.sources[branch.column]
    threshold, below, above = branch.threshold, branch.below, branch.above
    if isinstance(source, Indicator):
        if (source.scale, source.shift) != (1.0, 0.0):
            raise CannotFold("trees stand on scaled columns")
        if not 0.0 <= threshold < 1.0:
            return below if threshold >= 1.0 else above
        return Split(source.test, above, below, branch.rows)
    if not isinstance(source, Number):
        raise CannotFold("trees stand on words")
    if not source.plain:
        raise CannotFold("trees stand on scaled columns")
    missing: bool | None = branch.missing_below
    if source.fill is not None:
        missing = source.fill <= threshold
    elif source.feature not in given.nullable:
        missing = None
    return Split(AtMost(source.feature, threshold, missing), below, above, branch.rows)


class Chosen(NamedTuple):
    """A split by a set of a column's codes, in which `missing` values are or are not."""

    column: int
    codes: list[int]
    missing: bool
    inside: Node
    outside: Node
    rows: float = 0.0


def among(given: Columned, chosen: Chosen) -> Node:
    """Return the split by a set of codes; one never seen is outside. Raises CannotFold.

    Where each code has a test, how many rows have it is not known: each has as many.
    """
    source = given.sources[chosen.column]
    if not isinstance(source, Number) or not source.plain or source.fill is not None:
        raise CannotFold("categories do not stand on raw columns")
    inside, outside = chosen.inside, chosen.outside
    if given.sets is not None:
        if any(not 0 <= code < MOST_CODES for code in chosen.codes):
            raise CannotFold(f"a category's code is above {MOST_CODES}, or below 0")
        mask = sum(1 << code for code in set(chosen.codes))
        column = given.sets.index(source.feature, mask, chosen.missing)
        return Split(AtMost(column, 0.5), outside, inside, chosen.rows)
    count, within = len(chosen.codes), chosen.rows - outside.rows
    for index in reversed(range(count)):
        left = chosen.rows - within * index / count
        test = Is(source.feature, chosen.codes[index], chosen.missing)
        outside = Split(test, inside, outside, left)
    return outside


def sklearn_tree(given: Columned, tree: Any, values: Values) -> Node:
    """Return a tree from the arrays of scikit-learn's `tree_`; `values` reads a leaf."""
    left, right = tree.children_left.tolist(), tree.children_right.tolist()
    feature, threshold = tree.feature.tolist(), tree.threshold.tolist()
    rows = tree.weighted_n_node_samples.tolist()
    missing = [bool(m) for m in tree.missing_go_to_left]

    def node(at: int) -> Node:
        if left[at] < 0:
            return Leaf(values(tree.value[at]), rows[at])
        below, above = node(left[at]), node(right[at])
        branch = Branch(feature[at], threshold[at], missing[at], below, above, rows[at])
        return split(given, branch)

    return node(0)


def only(output: int, outputs: int, rate: float = 1.0) -> Values:
    """Return a function from a leaf's value to values that are 0 for every other output."""

    def values(value: Any) -> tuple[float, ...]:
        made = [0.0] * outputs
        made[output] = float(rate * np.asarray(value).item())
        return tuple(made)

    return values


def link(outputs: int) -> Link:
    """Return the link of boosted trees: one output is that of the second of two classes."""
    return "logistic" if outputs == 1 else "softmax"
