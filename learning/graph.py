"""Writes a forest of `trees.py` as an ONNX graph of a single node.

Two things make that node quick for ONNX Runtime, both measured by
`benchmarks/compiled_forest.py`:

- All splits have the same mode, BRANCH_LEQ, and none tracks missing values, so
  its inner loop has neither a switch nor a test for NaN. The columns of
  `runtimes/columns.py` make that possible: NaN becomes a number that every
  split sends the right way.
- It lays a node's false branch right behind the node. A split that most rows
  answer with yes is therefore turned round, by comparing the negated column,
  so that the usual way through a tree is a walk through adjacent memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper

from learning.runtimes.columns import HALF, Columns
from learning.runtimes.onnx import COLUMNS, LINK
from learning.trees import AtMost, Forest, Is, Leaf, Node, Split, Test, every_test, leaves, pruned

ML = "ai.onnx.ml"
# The oldest that hold what is used, so that any ONNX Runtime of the last years reads the file.
OPSETS = (helper.make_opsetid("", 18), helper.make_opsetid(ML, 3))
IR_VERSION = 8
# ONNX Runtime leaves the logistic function out for a single target: it is the runtime's.
_TRANSFORMS = {"mean": "NONE", "logistic": "NONE", "softmax": "SOFTMAX"}


# Stand for a missing value that goes up, or down, at every split; thresholds stay between them.
HIGHEST = float(np.finfo(np.float32).max)
LOWEST = -HIGHEST
_LAST = float(np.nextafter(np.float32(HIGHEST), np.float32(0.0)))


def float32_at_most(threshold: float) -> float:
    """Return the largest float32 that is at most `threshold`, within the finite numbers.

    For every float32 x, `x <= float32_at_most(t)` exactly when `x <= t`.
    """
    bounded = min(max(threshold, -_LAST), _LAST)
    nearest = np.float32(bounded)
    return float(nearest) if float(nearest) <= bounded else _below(float(nearest))


def _below(number: float) -> float:
    return float(np.nextafter(np.float32(number), np.float32(-inf)))


# A column's key: a category's test, or a feature and which way its missing values go;
# None when one column serves both.
Key = Is | tuple[int, bool | None]


class _Layout:
    """The columns that a forest reads, and where each test finds its own."""

    def __init__(self, forest: Forest) -> None:
        asked = set(every_test(forest))
        thresholds: dict[int, list[AtMost]] = {}
        for test in sorted((t for t in asked if isinstance(t, AtMost)), key=_first):
            thresholds.setdefault(test.feature, []).append(test)
        self._fills: dict[Key, float] = {}
        for feature, of_feature in thresholds.items():
            self._add_number(feature, of_feature)
        if not asked:  # trees that are but a leaf each: an input is read all the same
            self._fills[0, None] = 0.0
        categories = sorted((t for t in asked if isinstance(t, Is)), key=str)
        self._fills |= {t: 0.0 if t.missing else 1.0 for t in categories}
        self._places = {key: place for place, key in enumerate(self._fills)}
        self.columns = Columns(
            take=tuple(key[0] for key in self._fills),
            codes=tuple(t.code for t in categories),
            fill=tuple(self._fills.values()),
            mirrored=True,
        )

    def _add_number(self, feature: int, asked: list[AtMost]) -> None:
        fill = _fill(asked)
        if fill is not None:
            self._fills[feature, None] = fill
        else:
            self._fills |= {(feature, True): LOWEST, (feature, False): HIGHEST}

    def place(self, test: Test) -> int:
        """Return the column that answers the test."""
        if isinstance(test, Is):
            return self._places[test]
        one = self._places.get((test.feature, None))
        return self._places[test.feature, bool(test.missing)] if one is None else one


def _first(test: AtMost) -> int:
    return test.feature


def _fill(asked: list[AtMost]) -> float | None:
    """Return a number that every test answers as it answers NaN; None if there is none.

    Imputation before the forest leaves such a number by construction.
    """
    ups = [float32_at_most(t.threshold) for t in asked if t.missing is False]
    downs = [float32_at_most(t.threshold) for t in asked if t.missing]
    highest, lowest = min(downs, default=HIGHEST), max(ups, default=LOWEST)
    return highest if lowest < highest else None


NODES = (
    "treeids",
    "nodeids",
    "modes",
    "featureids",
    "values",
    "truenodeids",
    "falsenodeids",
)
TARGETS = ("treeids", "nodeids", "ids", "weights")


@dataclass
class _Writer:
    """Collects the attributes of the node, tree after tree."""

    layout: _Layout
    nodes: dict[str, list[Any]] = field(default_factory=lambda: {f"nodes_{n}": [] for n in NODES})
    targets: dict[str, list[Any]] = field(
        default_factory=lambda: {f"target_{n}": [] for n in TARGETS}
    )
    tree: int = 0
    start: int = 0

    def add_tree(self, root: Node) -> None:
        self.start = len(self.nodes["nodes_modes"])
        self._add(root)
        self.tree += 1

    def _add(self, node: Node) -> int:
        if isinstance(node, Leaf):
            return self._add_leaf(node)
        column, threshold, yes, no = self._oriented(node)
        at = self._add_node("BRANCH_LEQ", column, threshold)
        # The order of writing is the order in memory: the false branch comes next.
        self.nodes["nodes_falsenodeids"][self.start + at] = self._add(no)
        self.nodes["nodes_truenodeids"][self.start + at] = self._add(yes)
        return at

    def _oriented(self, node: Split) -> tuple[int, float, Node, Node]:
        """Return the split so that most rows answer it with no."""
        column = self.layout.place(node.test)
        threshold = float32_at_most(node.test.threshold) if isinstance(node.test, AtMost) else HALF
        if _weight(node.yes) <= _weight(node.no):
            return column, threshold, node.yes, node.no
        # x > t is -x <= (the next number below -t).
        return column + len(self.layout.columns.take), _below(-threshold), node.no, node.yes

    def _add_node(self, mode: str, column: int, value: float) -> int:
        at = len(self.nodes["nodes_modes"]) - self.start
        row = (self.tree, at, mode, column, value, 0, 0)
        for values, item in zip(self.nodes.values(), row, strict=True):
            values.append(item)
        return at

    def _add_leaf(self, leaf: Leaf) -> int:
        at = self._add_node("LEAF", 0, 0.0)
        for output, value in enumerate(leaf.values):
            row = (self.tree, at, output, value)
            for values, item in zip(self.targets.values(), row, strict=True):
                values.append(item)
        return at


def _weight(node: Node) -> float:
    """Return how many training rows come to a node, or its number of leaves for a guess."""
    return node.rows or float(leaves(node))


def forest_graph(forest: Forest) -> bytes:
    """Return the forest as an ONNX model: columns `[n, width]` in, `[n, outputs]` out.

    How the columns are made of a batch's matrix stands in the model's metadata.
    """
    forest = replace(forest, trees=tuple(pruned(t) for t in forest.trees))
    layout = _Layout(forest)
    writer = _Writer(layout)
    for tree in forest.trees:
        writer.add_tree(tree)
    meta = {COLUMNS: msgspec.json.encode(layout.columns).decode(), LINK: forest.link}
    return _model(_node(forest, writer), layout.columns.width, forest.outputs, meta)


def _node(forest: Forest, writer: _Writer) -> onnx.NodeProto:
    attributes: dict[str, Any] = {**writer.nodes, **writer.targets}
    if any(forest.base):
        attributes["base_values"] = list(forest.base)
    return helper.make_node(
        "TreeEnsembleRegressor",
        ["columns"],
        ["scores"],
        domain=ML,
        n_targets=forest.outputs,
        aggregate_function="AVERAGE" if forest.link == "mean" else "SUM",
        post_transform=_TRANSFORMS[forest.link],
        **attributes,
    )


def _model(node: onnx.NodeProto, width: int, outputs: int, meta: dict[str, str]) -> bytes:
    given = helper.make_tensor_value_info("columns", TensorProto.FLOAT, [None, width])
    wanted = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, outputs])
    graph = helper.make_graph([node], "forest", [given], [wanted])
    model = helper.make_model(
        graph, opset_imports=OPSETS, ir_version=IR_VERSION, producer_name="mirante"
    )
    helper.set_model_props(model, meta)
    return model.SerializeToString()
