"""Writes a forest of `trees.py` as an ONNX graph of a single node.

Two things make that node quick for ONNX Runtime. Microseconds for a row of the
credit forest (200 trees, 114,000 nodes), all of the same answers:

                                                  rows in turn    caches cold
    a mode of their own for categories                    26.6
    one mode, missing values tracked                      20.9
    one mode, nothing tracked                             18.1           32.4
    the same, and turned so that most rows say no         12.6           14.9

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
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from learning.forms.trees import (
    AtMost,
    Forest,
    Is,
    Leaf,
    Node,
    Split,
    Test,
    every_test,
    leaves,
    pruned,
)
from learning.runtimes.columns import HALF, Columns
from learning.runtimes.onnx import COLUMNS, LINK

ML = "ai.onnx.ml"
# Of each operator: the oldest versions of ONNX, of its ML part and of its file
# that have it, so that as many releases of ONNX Runtime as can read it do.
VERSIONS = {"TreeEnsembleRegressor": ((18, 3), 8), "TreeEnsemble": ((21, 5), 10)}

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
        self._indices = {key: index for index, key in enumerate(self._fills)}
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

    def index(self, test: Test) -> int:
        """Return the column that answers the test."""
        if isinstance(test, Is):
            return self._indices[test]
        one = self._indices.get((test.feature, None))
        return self._indices[test.feature, bool(test.missing)] if one is None else one


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


@dataclass
class _Written:
    """The trees as lists, an index for each split and each leaf.

    A branch is the index of a split, or `~index` of a leaf.
    """

    layout: _Layout
    roots: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    thresholds: list[float] = field(default_factory=list)
    yes: list[int] = field(default_factory=list)
    no: list[int] = field(default_factory=list)
    leaves: list[tuple[float, ...]] = field(default_factory=list)

    def add_tree(self, root: Node) -> None:
        """Write a tree; one that is but a leaf becomes a split with that leaf on both sides."""
        self.roots.append(len(self.columns))
        if isinstance(root, Leaf):
            self._add_split(0, 0.0)
            self.yes[-1] = self.no[-1] = self._add(root)
        else:
            self._add(root)

    def _add(self, node: Node) -> int:
        if isinstance(node, Leaf):
            self.leaves.append(node.values)
            return ~(len(self.leaves) - 1)
        column, threshold, yes, no = self._oriented(node)
        at = self._add_split(column, threshold)
        self.no[at] = self._add(no)
        self.yes[at] = self._add(yes)
        return at

    def _add_split(self, column: int, threshold: float) -> int:
        self.columns.append(column)
        self.thresholds.append(threshold)
        self.yes.append(0)
        self.no.append(0)
        return len(self.columns) - 1

    def _oriented(self, node: Split) -> tuple[int, float, Node, Node]:
        """Return the split so that most rows answer it with no."""
        column = self.layout.index(node.test)
        threshold = float32_at_most(node.test.threshold) if isinstance(node.test, AtMost) else HALF
        if _weight(node.yes) <= _weight(node.no):
            return column, threshold, node.yes, node.no
        # x > t is -x <= (the next number below -t).
        return column + len(self.layout.columns.take), _below(-threshold), node.no, node.yes


def _weight(node: Node) -> float:
    """Return how many training rows come to a node, or its number of leaves for a guess."""
    return node.rows or float(leaves(node))


def forest_graph(forest: Forest, precise: bool = False) -> bytes:
    """Return the forest as an ONNX model: columns `[n, width]` in, `[n, outputs]` out.

    `precise` adds up in float64, as scikit-learn does: for votes that nearly tie.

    How the columns are made of a batch's matrix, and what the scores still go
    through, stands in the model's metadata: ONNX Runtime 1.32 leaves the
    logistic function out for one output, and takes softmax for another.
    """
    trees = (*(pruned(t) for t in forest.trees), *_base(forest))
    layout = _Layout(replace(forest, trees=trees))
    written = _Written(layout)
    for tree in trees:
        written.add_tree(tree)
    one_each = all(sum(map(bool, values)) <= 1 for values in written.leaves)
    number = np.float64 if precise else np.float32
    node = _node(forest, *(_lean(written, number) if one_each else _wide(written, number)))
    meta = {COLUMNS: msgspec.json.encode(layout.columns).decode(), LINK: forest.link}
    kind = TensorProto.DOUBLE if precise else TensorProto.FLOAT
    given = helper.make_tensor_value_info("columns", kind, [None, layout.columns.width])
    # The wide operator adds up in float64 too, but gives float32.
    out = kind if one_each else TensorProto.FLOAT
    wanted = helper.make_tensor_value_info("scores", out, [None, forest.outputs])
    return _model(helper.make_graph([node], "forest", [given], [wanted]), meta)


def _base(forest: Forest) -> list[Leaf]:
    """Return the base as trees that are but a leaf."""
    return [
        Leaf(tuple(value if i == output else 0.0 for i in range(forest.outputs)))
        for output, value in enumerate(forest.base)
        if value
    ]


Number = type[np.floating]


def _lean(written: _Written, number: Number) -> tuple[str, dict[str, Any]]:
    """Return the operator that has a leaf give one output one value, and its attributes.

    It takes a third of the other's bytes, and of its memory once loaded.
    """
    targets = [next((i for i, v in enumerate(values) if v), 0) for values in written.leaves]
    weights = [values[i] for values, i in zip(written.leaves, targets, strict=True)]
    return "TreeEnsemble", {
        "tree_roots": written.roots,
        "nodes_modes": _tensor(np.zeros(len(written.columns), np.uint8)),
        "nodes_featureids": written.columns,
        "nodes_splits": _tensor(np.array(written.thresholds, number)),
        "nodes_truenodeids": [b if b >= 0 else ~b for b in written.yes],
        "nodes_trueleafs": [int(b < 0) for b in written.yes],
        "nodes_falsenodeids": [b if b >= 0 else ~b for b in written.no],
        "nodes_falseleafs": [int(b < 0) for b in written.no],
        "leaf_targetids": targets,
        "leaf_weights": _tensor(np.array(weights, number)),
    }


def _tensor(values: NDArray[Any]) -> onnx.TensorProto:
    return numpy_helper.from_array(values)


def _wide(written: _Written, number: Number) -> tuple[str, dict[str, Any]]:
    """Return the operator that has a leaf give every output a value, and its attributes.

    Splits and leaves are numbered together, from 0 in each tree: the splits first.
    """
    ends = [*written.roots[1:], len(written.columns)]
    indices = _Places()
    for tree, (start, end) in enumerate(zip(written.roots, ends, strict=True)):
        indices.add_tree(tree, start, end, written)
    attributes: dict[str, Any] = dict(indices.attributes)
    for name in ("nodes_values", "target_weights") if number is np.float64 else ():
        attributes[f"{name}_as_tensor"] = _tensor(np.array(attributes.pop(name), number))
    return "TreeEnsembleRegressor", attributes


class _Places:
    """Collects the attributes of the wide operator."""

    def __init__(self) -> None:
        nodes = ("treeids", "nodeids", "modes", "featureids", "values", "truenodeids")
        names = [f"nodes_{n}" for n in (*nodes, "falsenodeids")]
        names += [f"target_{n}" for n in ("treeids", "nodeids", "ids", "weights")]
        self.attributes: dict[str, list[Any]] = {name: [] for name in names}

    def add_tree(self, tree: int, start: int, end: int, written: _Written) -> None:
        """Add the splits from `start` to before `end`, and their leaves."""
        own = [~b for at in range(start, end) for b in (written.yes[at], written.no[at]) if b < 0]
        numbers = {~leaf: end - start + i for i, leaf in enumerate(dict.fromkeys(own))}
        numbers |= {at: at - start for at in range(start, end)}
        for at in range(start, end):
            split = (written.columns[at], written.thresholds[at])
            branches = (numbers[written.yes[at]], numbers[written.no[at]])
            self._add("nodes", tree, numbers[at], "BRANCH_LEQ", *split, *branches)
        for leaf in dict.fromkeys(own):
            self._add("nodes", tree, numbers[~leaf], "LEAF", 0, 0.0, 0, 0)
            for output, value in enumerate(written.leaves[leaf]):
                self._add("target", tree, numbers[~leaf], output, value)

    def _add(self, prefix: str, *row: Any) -> None:
        lists = [values for name, values in self.attributes.items() if name.startswith(prefix)]
        for values, item in zip(lists, row, strict=True):
            values.append(item)


def _node(forest: Forest, operator: str, attributes: dict[str, Any]) -> onnx.NodeProto:
    summed = forest.link != "mean"
    named = operator == "TreeEnsembleRegressor"
    return helper.make_node(
        operator,
        ["columns"],
        ["scores"],
        domain=ML,
        n_targets=forest.outputs,
        aggregate_function=("AVERAGE", "SUM")[summed] if named else int(summed),
        **attributes,
    )


def _model(graph: onnx.GraphProto, meta: dict[str, str]) -> bytes:
    opsets, version = VERSIONS[graph.node[0].op_type]
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", opsets[0]), helper.make_opsetid(ML, opsets[1])],
        ir_version=version,
        producer_name="mirante",
    )
    helper.set_model_props(model, meta)
    return model.SerializeToString()
