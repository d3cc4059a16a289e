"""Probability forests of R's ranger, as `clients/r/export_ranger.R` writes them.

What a split means in ranger: https://github.com/imbs-hl/ranger, `Tree::predict`:
numbers and codes at most the value go left; in partition mode the value is a bit
mask, and the levels whose bit is set go right.
"""

from __future__ import annotations

from math import floor

import numpy as np
from numpy.typing import NDArray

from errors import ModelFileError
from learning.compile.compilation import compile_forest
from learning.compile.equivalence import probes, prove
from learning.explanation import unexplained
from learning.forms.trees import AtMost, Forest, Leaf, Node, Split, single
from learning.imports.document import Document, Ranger, Tree
from learning.imports.imported import Imported, reproduce
from learning.imports.memberships import Memberships, with_memberships
from learning.runtimes.onnx import MEMBER
from learning.tasks import task_of
from tables.batch import Batch, Matrix

# R's own predictions are met to this.
TOLERANCE = 1e-6
# A tree is built and compiled by functions that call themselves, a call a level.
DEEPEST = 200
# A double holds whole numbers, and so R's bit masks, up to this many bits.
MOST_LEVELS = 53


def import_ranger(document: Document, model: Ranger, seed: int = 0) -> Imported:
    """Return the forest as the compiled runtime.

    Raises ModelFileError for what is not supported, EquivalenceError when R's own
    predictions are not met.
    """
    schema = document.schema()
    builder = _Builder(document, model)
    depths = [
        _check_tree(tree, len(document.classes), len(document.columns)) for tree in model.trees
    ]
    if not depths or max(depths) > DEEPEST:
        raise ModelFileError(f"expected trees of at most {DEEPEST} levels")
    forest = builder.forest(model.trees)
    compiled = compile_forest(forest)
    members = compiled.members
    if builder.memberships.sets:
        members = {MEMBER: with_memberships(members[MEMBER], builder.memberships)}
    batch, expected = document.batch(), document.expected()
    runtime, proof = reproduce("onnx", members, batch, expected, TOLERANCE)
    # R's rows are a hundred: the trees themselves are asked about many more.
    numbers = {i for i, f in enumerate(schema.features) if f.kind in ("number", "integer")}
    sides = {f: values for f, values in compiled.thresholds.items() if f in numbers}
    near = probes(batch, schema, sides, seed)
    walked = prove(
        _Walk(document, model).outputs, runtime, [near], task_of(schema.target).difference
    )
    proof |= {"rows_beside": walked["rows"]}
    info = {
        "model_name": "ranger",
        "num_trees": len(model.trees),
        "max_depth": max(depths),
        "num_features": len(schema.features),
    }
    origin = {"imported_from": f"ranger {model.version}, {document.made_with}"}
    probabilities = runtime.outputs(batch).tolist()
    made = Imported(schema, "onnx", members, document.objects(), probabilities, info, origin, proof)
    return made.explained(unexplained("its trees do not say how many rows came where"))


def _check_tree(tree: Tree, classes: int, columns: int) -> int:
    """Return the tree's depth. Raises ModelFileError when its nodes do not hang together."""
    count = len(tree.left)
    if {len(tree.right), len(tree.variable), len(tree.value), len(tree.shares)} != {
        count
    } or not count:
        raise ModelFileError("a tree has not as many nodes in every list")
    depths = [0] * count
    for node, children in enumerate(zip(tree.left, tree.right, strict=True)):
        if children == (0, 0):
            if len(tree.shares[node]) != classes:
                raise ModelFileError("a leaf has not a share for every class")
            continue
        # Children come after their parent, so that no walk down a tree can go round.
        if not all(node < child < count for child in children) or not (
            0 <= tree.variable[node] < columns
        ):
            raise ModelFileError("a tree's node names a child or a column that is not there")
        for child in children:
            depths[child] = depths[node] + 1
    return max(depths)


class _Builder:
    """Brings ranger's arrays into the neutral form of `learning.forms.trees`."""

    def __init__(self, document: Document, model: Ranger) -> None:
        self._columns = columns = document.columns
        self._order = document.order
        self._reordered = set(model.reordered)
        self._partitioned = {
            index for index, column in enumerate(columns) if column.name in model.partitioned
        }
        levels = [len(columns[index].levels) for index in self._partitioned]
        if max(levels, default=0) > MOST_LEVELS:
            raise ModelFileError(f"partition mode with more than {MOST_LEVELS} levels")
        self.memberships = Memberships(len(columns))

    def forest(self, trees: list[Tree]) -> Forest:
        """Return the forest; two classes have one output, the probability of the second."""
        nodes = tuple(self._node(tree, 0) for tree in trees)
        outputs = 1 if len(self._order) == 2 else len(self._order)
        return Forest(nodes, self.memberships.width, outputs)

    def _node(self, tree: Tree, at: int) -> Node:
        if tree.left[at] == 0:
            shares = [tree.shares[at][index] for index in self._order]
            return Leaf(tuple(shares[1:]) if len(shares) == 2 else tuple(shares))
        left, right = self._node(tree, tree.left[at]), self._node(tree, tree.right[at])
        return self._split(tree.variable[at], tree.value[at], left, right)

    def _split(self, index: int, value: float, left: Node, right: Node) -> Split:
        column = self._columns[index]
        if index in self._partitioned:
            return Split(AtMost(self.memberships.index(index, floor(value)), 0.5), left, right)
        if column.name in self._reordered:
            # Codes are mirrored, see Document: R's code c of n is ours n - c.
            return Split(AtMost(index, len(column.levels) - floor(value) - 0.5), right, left)
        if column.levels:
            return Split(AtMost(index, value - 1.0), left, right)
        return Split(AtMost(index, single(value)), left, right)


class _Walk:
    """Answers from ranger's arrays as they are, tree by tree, in double precision."""

    def __init__(self, document: Document, model: Ranger) -> None:
        self._trees = model.trees
        self._order = document.order
        self._columns = document.columns
        self._model = model

    def outputs(self, batch: Batch) -> NDArray[np.float64]:
        """Return the probabilities `[n, k]`, in the label's order."""
        codes = self._codes(batch.matrix)
        total = np.zeros((len(codes), len(self._order)))
        for tree in self._trees:
            total += self._shares(tree)[self._leaves(tree, codes)]
        return np.asarray(total[:, self._order] / len(self._trees))

    def _codes(self, matrix: Matrix) -> NDArray[np.float64]:
        """Return R's own codes: from 1, a level never seen before the first, or behind the last."""
        codes = matrix.astype(np.float64)
        for index, column in enumerate(self._columns):
            if column.name in self._model.reordered:
                codes[:, index] = len(column.levels) - codes[:, index]
            elif column.levels:
                codes[:, index] += 1
        return codes

    def _shares(self, tree: Tree) -> NDArray[np.float64]:
        shares = np.zeros((len(tree.left), len(self._order)))
        for node, values in enumerate(tree.shares):
            if values:
                shares[node] = values
        return shares

    def _leaves(self, tree: Tree, codes: NDArray[np.float64]) -> NDArray[np.intp]:
        left, right = np.array(tree.left), np.array(tree.right)
        variable, value = np.array(tree.variable), np.array(tree.value)
        partitioned = np.array([c.name in self._model.partitioned for c in self._columns])
        singles = np.array([single(v) for v in tree.value])
        rows, at = np.arange(len(codes)), np.zeros(len(codes), dtype=np.intp)
        while (inside := left[at] > 0).any():
            given, split = codes[rows, variable[at]], value[at]
            plain = np.array([c.levels == () for c in self._columns])[variable[at]]
            goes_left = given <= np.where(plain, singles[at], split)
            masked = partitioned[variable[at]] & inside
            goes_left[masked] = ~_is_member(given[masked], split[masked])
            at = np.where(inside, np.where(goes_left, left[at], right[at]), at)
        return at


def _is_member(codes: NDArray[np.float64], masks: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell whether the bit of a level's code, from 1, is set; that of none seen never is."""
    shifted = masks.astype(np.int64) >> np.clip(codes.astype(np.int64) - 1, 0, 62)
    return np.asarray((shifted & 1).astype(bool) & (codes >= 1))
