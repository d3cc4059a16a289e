"""LightGBM's model text as trees over raw features; the library is not needed to read it.

The text is that of `Booster.model_to_string()` and of its model files: a head, then a block
a tree, each of lines `name=value`. What the numbers mean stands in LightGBM's
`src/io/tree.cpp` and `include/LightGBM/tree.h`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite, isnan
from typing import NamedTuple

import numpy as np

from learning.forms.sources import CannotFold, Columned
from learning.forms.splits import Branch, Chosen, among, split
from learning.forms.trees import Forest, Leaf, Link, Node, single

# Bits of a node's `decision_type`: a category's test, where missing values go, and what is missing.
CATEGORY, LEFT = 1, 2
NOTHING, ZERO = 0, 1
WORD = 32
# What is no further from 0 than this float32 is 0 to LightGBM's predictor.
NEARLY_ZERO = float(np.float32(1e-35))

LINKS: Mapping[str, Link] = {
    "binary": "logistic",
    "cross_entropy": "logistic",
    "multiclass": "softmax",
    "regression": "identity",
    "regression_l1": "identity",
    "huber": "identity",
    "fair": "identity",
    "quantile": "identity",
    "mape": "identity",
    "poisson": "exponential",
    "gamma": "exponential",
    "tweedie": "exponential",
}

Block = Mapping[str, str]


class Text(NamedTuple):
    """A model's text, parted: its head, a block for each tree, and what is behind them."""

    head: Block
    trees: tuple[Block, ...]
    after: str = ""

    @property
    def outputs(self) -> int:
        """How many trees there are a round: one for each score."""
        return max(1, _integer(self.head["num_tree_per_iteration"]))


def read(text: str) -> Text:
    """Return a model's text, parted. Raises CannotFold for what is none, or is cut off."""
    before, _, rest = text.partition("\nTree=0\n")
    head = _block(before)
    if "num_tree_per_iteration" not in head:
        raise CannotFold("the file is not LightGBM's model text, or is cut off")
    body, end, after = (rest or text).partition("\nend of trees")
    if not end or ("\nparameters:" in after and "\nend of parameters" not in after):
        raise CannotFold("LightGBM's model text is cut off: download it again")
    blocks = body.split("\nTree=") if rest else []
    if len(head.get("tree_sizes", "").split()) not in (0, len(blocks)):
        raise CannotFold("LightGBM's model text is damaged: it has not as many trees as it says")
    return Text(head, tuple(_block(block) for block in blocks), after)


def _block(text: str) -> Block:
    lines = (line.partition("=") for line in text.splitlines())
    return {name: value for name, _, value in lines}


def forest(text: Text, given: Columned) -> Forest:
    """Return the trees with the link of the model's objective. Raises CannotFold.

    A logistic function's own slope (`sigmoid`) is in the leaves.
    """
    name, *given_parameters = text.head.get("objective", "").split() or [""]
    parameters = dict(part.partition(":")[::2] for part in given_parameters)
    if name not in LINKS or "sqrt" in parameters:
        raise CannotFold("LightGBM's objective is not folded")
    slope = _number(parameters.get("sigmoid", "1"))
    nodes = tuple(trees(text, given, text.outputs, (slope,) * text.outputs))
    return Forest(nodes, given.columns, text.outputs, LINKS[name])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CannotFold("LightGBM's objective is damaged") from None


def _integer(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise CannotFold("LightGBM's model text is damaged: a count is none")
    return int(text)


def trees(text: Text, given: Columned, outputs: int, weights: tuple[float, ...]) -> Iterator[Node]:
    """Yield the trees, their leaves times the weight of their output; each gives one output.

    Raises CannotFold for linear trees, and for a text that is not whole.
    """
    if len(weights) != outputs or text.outputs != outputs:
        raise CannotFold(f"LightGBM's model has {text.outputs} scores, not {outputs}")
    share = 1.0 / max(1, len(text.trees) // outputs) if "average_output" in text.head else 1.0
    for index, block in enumerate(text.trees):
        output = index % outputs
        try:
            yield _Tree(block, given, output, outputs, weights[output] * share).root()
        except (KeyError, IndexError, ValueError, OverflowError) as error:
            raise CannotFold(
                f"LightGBM's tree {index} is damaged: {type(error).__name__}"
            ) from None
        except RecursionError:
            raise CannotFold(f"LightGBM's tree {index} is too deep") from None


class _Tree:
    """One block, as lists."""

    def __init__(
        self, block: Block, given: Columned, output: int, outputs: int, weight: float
    ) -> None:
        if block.get("is_linear", "0") != "0":
            raise CannotFold("LightGBM's linear trees are not folded")
        self._given = given
        self._place = output, outputs
        self._leaves = [weight * value for value in _floats(block, "leaf_value")]
        self._leaf_rows = _floats(block, "leaf_count") or [0.0] * len(self._leaves)
        self._rows = _floats(block, "internal_count")
        self._features = _integers(block, "split_feature")
        self._thresholds = _floats(block, "threshold")
        self._decisions = _integers(block, "decision_type")
        self._left, self._right = _integers(block, "left_child"), _integers(block, "right_child")
        self._starts = _integers(block, "cat_boundaries")
        self._words = _integers(block, "cat_threshold")

    def root(self) -> Node:
        """Return the tree's first node."""
        self._check()
        return self._node(0) if self._features else self._node(~0)

    def _check(self) -> None:
        """Raise ValueError where the tree is none: a node that two point to, or that none does."""
        count = len(self._features)
        lists = (self._left, self._right, self._thresholds, self._decisions)
        children = sorted((*self._left, *self._right))
        if any(len(values) != count for values in lists) or len(self._leaves) != count + 1:
            raise ValueError("lists of other lengths")
        if children != [*range(-count - 1, 0), *range(1, count)] and count:
            raise ValueError("nodes that do not hang together")
        # A threshold of infinity parts missing values from all others.
        if any(map(isnan, self._thresholds)) or not all(map(isfinite, self._leaves)):
            raise ValueError("numbers that are none")
        if min(self._features, default=0) < 0 or min(self._words, default=0) < 0:
            raise ValueError("negative indices")

    def _node(self, at: int) -> Node:
        if at < 0:
            output, outputs = self._place
            values = [0.0] * outputs
            values[output] = self._leaves[~at]
            return Leaf(tuple(values), self._leaf_rows[~at])
        below, above = self._node(self._left[at]), self._node(self._right[at])
        rows = self._rows[at] if self._rows else 0.0
        if self._decisions[at] & CATEGORY:
            return self._category(at, below, above, rows)
        given = self._thresholds[at]
        threshold = _threshold(single(given) if self._given.doubles else given)
        branch = Branch(self._features[at], threshold, self._missing(at), below, above, rows)
        return split(self._given, branch)

    def _missing(self, at: int) -> bool:
        """Say whether NaN goes below: by default, or as the 0 that it is taken for."""
        decision = self._decisions[at]
        kind = decision >> 2 & 3
        if kind == ZERO:
            raise CannotFold("LightGBM takes 0 for missing")
        return self._thresholds[at] >= 0.0 if kind == NOTHING else bool(decision & LEFT)

    def _category(self, at: int, below: Node, above: Node, rows: float) -> Node:
        codes = self._codes(int(self._thresholds[at]))
        # A missing value is in no set of codes.
        return among(self._given, Chosen(self._features[at], codes, False, below, above, rows))

    def _codes(self, index: int) -> list[int]:
        words = self._words[self._starts[index] : self._starts[index + 1]]
        return [
            WORD * place + bit
            for place, word in enumerate(words)
            for bit in range(WORD)
            if word >> bit & 1
        ]


def _threshold(given: float) -> float:
    """Return the threshold that decides as LightGBM's does of numbers that are nearly 0."""
    if -NEARLY_ZERO <= given < 0.0:
        return float(np.nextafter(np.float32(-NEARLY_ZERO), np.float32(-1.0)))
    return NEARLY_ZERO if 0.0 <= given < NEARLY_ZERO else given


def _floats(block: Block, name: str) -> list[float]:
    return [float(value) for value in block.get(name, "").split()]


def _integers(block: Block, name: str) -> list[int]:
    return [int(value) for value in block.get(name, "").split()]
