"""XGBoost's JSON or UBJ model as trees over raw features; the library is not needed to read it.

The document is that of its model files and of `Booster.save_raw`; what the numbers
mean stands in XGBoost's `doc/model.schema` and `src/common/categorical.h`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import log
from typing import Any

import numpy as np

from learning.forms.sources import CannotFold, Columned
from learning.forms.splits import Branch, Chosen, among, split
from learning.forms.trees import Forest, Leaf, Link, Node
from learning.forms.ubj import decode

LINKS: Mapping[str, Link] = {
    "binary:logistic": "logistic",
    "multi:softprob": "softmax",
    "multi:softmax": "softmax",
    "reg:squarederror": "identity",
    "reg:absoluteerror": "identity",
    "reg:pseudohubererror": "identity",
    "reg:squaredlogerror": "identity",
    "count:poisson": "exponential",
    "reg:gamma": "exponential",
    "reg:tweedie": "exponential",
}
CATEGORY = 1
# How an object of UBJ begins: with the type of its first name's length.
UBJ = frozenset(b"{" + mark for mark in (b"i", b"U", b"I", b"l", b"L"))


def read(data: bytes) -> Any:
    """Return what a model's JSON or UBJ says of the learner. Raises CannotFold for what is none."""
    kind = "UBJ" if data[:2] in UBJ else "JSON"
    try:
        # XGBoost before 2.0 writes NaN, which is no JSON; Python's own reader takes it.
        document = decode(data) if kind == "UBJ" else json.loads(data)
        return document["learner"]
    except (ValueError, LookupError, TypeError):
        raise CannotFold(f"the file is not XGBoost's {kind} model, or is cut off") from None
    except RecursionError:
        raise CannotFold(f"XGBoost's {kind} model is damaged: it is too deep") from None


def forest(learner: Any, given: Columned, unknown: int | None = None, rounds: int = 0) -> Forest:
    """Return the trees, dart's weights in their leaves. Raises CannotFold for what has none.

    `unknown` is a code that goes where missing values go; others never seen go left.
    `rounds` of the trees, or all, answer.
    """
    try:
        return _forest(learner, given, unknown, rounds)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise CannotFold(f"XGBoost's model is damaged: {type(error).__name__}") from None
    except RecursionError:
        raise CannotFold("XGBoost's trees are too deep") from None


def _forest(learner: Any, given: Columned, unknown: int | None, rounds: int) -> Forest:
    objective = learner["objective"]["name"]
    if objective not in LINKS:
        raise CannotFold("XGBoost's objective is not folded")
    link, outputs = LINKS[objective], max(1, int(learner["learner_model_param"]["num_class"]))
    if int(learner["learner_model_param"].get("num_target", 1)) > 1:
        raise CannotFold("XGBoost's model has several targets")
    base = _base(learner["learner_model_param"]["base_score"], link, outputs)
    booster = learner["gradient_booster"]
    if booster["name"] not in ("gbtree", "dart"):
        raise CannotFold("XGBoost's model is not made of trees")
    model = _model(booster)
    weights = booster.get("weight_drop") or [1.0] * len(model["trees"])
    places = list(zip(model["trees"], model["tree_info"], weights, strict=True))
    if rounds:
        parallel = int(model["gbtree_model_param"].get("num_parallel_tree", 1))
        places = places[: rounds * outputs * max(1, parallel)]
    way = given, unknown
    trees = tuple(_Tree(tree, *way, k, outputs, w).node(0) for tree, k, w in places)
    return Forest(trees, given.columns, outputs, link, base)


def trees_of(learner: Any) -> list[Any]:
    """Return the trees, as the document has them."""
    found: list[Any] = _model(learner["gradient_booster"])["trees"]
    return found


def _model(booster: Any) -> Any:
    return booster["gbtree"]["model"] if "gbtree" in booster else booster["model"]


def _base(text: Any, link: Link, outputs: int) -> tuple[float, ...]:
    """Return the score that all begin with: what is kept is its answer, save of softmax.

    One value stands for every class; from XGBoost 3.1 on there is one for each, in brackets.
    """
    parts = str(text).strip("[]").split(",")
    values = [float(part) for part in parts] * (outputs if len(parts) == 1 else 1)
    if len(values) != outputs:
        raise CannotFold("XGBoost's base scores are not one a class")
    if link == "logistic":
        return tuple(log(value / (1.0 - value)) for value in values)
    return tuple(log(value) for value in values) if link == "exponential" else tuple(values)


class _Tree:
    """One tree's lists."""

    def __init__(
        self,
        tree: Any,
        given: Columned,
        unknown: int | None,
        output: int,
        outputs: int,
        weight: float,
    ) -> None:
        if int(tree["tree_param"].get("size_leaf_vector", 1)) > 1:
            raise CannotFold("XGBoost's leaves give every output a value")
        self._given, self._output, self._outputs = given, output, outputs
        self._weight = weight
        self._unknown = [] if unknown is None else [unknown]
        self._left, self._right = tree["left_children"], tree["right_children"]
        self._features = tree["split_indices"]
        # Files of XGBoost before 1.3 know of no categories.
        self._kinds = tree.get("split_type") or [0] * len(self._left)
        self._conditions = np.array(tree["split_conditions"], np.float32)
        self._default_left = list(map(bool, tree["default_left"]))
        # A node that two point to, or that is above itself, would be walked without end.
        self._left_to_visit = len(self._left)
        self._rows = tree["sum_hessian"]
        names = ("categories_nodes", "categories_segments", "categories_sizes", "categories")
        nodes, starts, sizes, codes = (tree.get(name) or [] for name in names)
        parts = zip(nodes, starts, sizes, strict=True)
        self._codes = {at: codes[start : start + n] for at, start, n in parts}

    def node(self, at: int) -> Node:
        """Return the node of an index, and all below it."""
        self._left_to_visit -= 1
        if self._left_to_visit < 0 or at < 0 or self._features[at] < 0:
            raise ValueError("nodes that do not hang together")
        rows = float(self._rows[at])
        if self._kinds[at] != CATEGORY and np.isnan(self._conditions[at]):
            raise ValueError("a number that is none")
        if self._left[at] < 0:
            values = [0.0] * self._outputs
            values[self._output] = float(self._conditions[at]) * self._weight
            return Leaf(tuple(values), rows)
        below, above = self.node(self._left[at]), self.node(self._right[at])
        if self._kinds[at] == CATEGORY:
            return self._category(at, below, above, rows)
        # x < t is x <= (the float32 before t).
        threshold = float(np.nextafter(self._conditions[at], np.float32(-np.inf)))
        missing = self._default_left[at]
        branch = Branch(self._features[at], threshold, missing, below, above, rows)
        return split(self._given, branch)

    def _category(self, at: int, below: Node, above: Node, rows: float) -> Node:
        # The codes of the set go right; one never seen goes left.
        missing = not self._default_left[at]
        codes = [*self._codes[at], *(self._unknown if missing else ())]
        chosen = Chosen(self._features[at], codes, missing, above, below, rows)
        return among(self._given, chosen)
