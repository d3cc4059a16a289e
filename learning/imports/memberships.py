"""Splits by membership of a set of categories, as columns of an ONNX graph.

A column is 1 where the row's category is one of a set, and 0 elsewhere, as for
a category never seen. The graph looks them up before it comes to the trees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from errors import ModelFileError
from learning.forms.sources import Columned, Number, Source
from learning.forms.splits import MOST_CODES, Chosen, among
from learning.forms.trees import Forest, Leaf, Node, Split
from learning.runtimes.columns import Columns
from learning.runtimes.onnx import COLUMNS, LINK

# Tables of more bytes are none of categories.
MOST_BYTES = 256 << 20


class Memberships:
    """The sets that splits ask for, and the column of each, behind the features' own."""

    def __init__(self, features: int) -> None:
        self.features = features
        self.sets: dict[tuple[int, int, bool], int] = {}

    @property
    def width(self) -> int:
        """The number of columns, those of the features too."""
        return self.features + len(self.sets)

    def index(self, feature: int, mask: int, missing: bool = False) -> int:
        """Return the column of a set, given as the bits of its codes. Raises ModelFileError."""
        if mask < 0 or mask.bit_length() > MOST_CODES:
            raise ModelFileError(f"a category's code is above {MOST_CODES}, or below 0")
        return self.sets.setdefault((feature, mask, missing), self.width)

    def tables(self) -> dict[int, NDArray[np.uint8]]:
        """Return by feature the values `[codes + 3, sets]` of its columns.

        Their rows: a code below 0, the codes, one above all, no value. Raises ModelFileError
        for tables that are too large.
        """
        found: dict[int, list[tuple[int, bool]]] = {}
        for feature, mask, missing in self.sets:
            found.setdefault(feature, []).append((mask, missing))
        sizes = {f: max(mask.bit_length() for mask, _ in sets) for f, sets in found.items()}
        if sum(sizes[feature] * len(sets) for feature, sets in found.items()) > MOST_BYTES:
            raise ModelFileError("the model has too many splits by too many categories")
        return {
            feature: np.column_stack([_column(*one, sizes[feature]) for one in sets])
            for feature, sets in found.items()
        }

    def indices(self) -> list[int]:
        """Return where each column stands once the tables' follow the features, table by table."""
        order = list(dict.fromkeys(feature for feature, _, _ in self.sets))
        grouped = sorted(self.sets, key=lambda one: order.index(one[0]))
        found = {one: self.features + at for at, one in enumerate(grouped)}
        return [*range(self.features), *(found[one] for one in self.sets)]

    def columns_of(self, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the matrix `[n, d]` with the column of each set behind it."""
        made = [matrix]
        for feature, table in self.tables().items():
            codes, last = matrix[:, feature], len(table) - 1
            rows = np.where(np.isnan(codes), last, np.clip(codes + 1, 0, last - 1))
            made.append(table[rows.astype(np.intp)].astype(np.float32))
        return np.hstack(made)[:, self.indices()]


def _column(mask: int, missing: bool, size: int) -> NDArray[np.uint8]:
    """Return a set's column of its table."""
    data = np.frombuffer(mask.to_bytes(size // 8 + 1, "little"), np.uint8)
    bits = np.unpackbits(data, bitorder="little")[:size]
    return np.array([0, *bits, 0, missing], np.uint8)


def with_memberships(model: bytes, memberships: Memberships) -> bytes:
    """Return a forest's graph, made to take a batch's matrix as it is and look its columns up."""
    proto = onnx.load_from_string(model)
    meta = {entry.key: entry.value for entry in proto.metadata_props}
    columns = msgspec.json.decode(meta.pop(COLUMNS), type=Columns)
    assert not columns.codes, "a forest of memberships tests no single category"
    graph = _Graph()
    trees = proto.graph.node[0]
    chosen = graph.filled(graph.chosen(memberships, columns.take), columns.fill)
    read = proto.graph.input[0].type.tensor_type.elem_type
    trees.input[0] = graph.cast(graph.mirrored(chosen, columns.mirrored), read)
    given = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, memberships.features])
    whole = helper.make_graph(
        [*graph.nodes, trees], "forest", [given], list(proto.graph.output), graph.constants
    )
    written = helper.make_model(
        whole, opset_imports=list(proto.opset_import), ir_version=proto.ir_version,
        producer_name="mirante",
    )  # fmt: skip
    helper.set_model_props(written, {LINK: meta[LINK]})
    onnx.checker.check_model(written)
    data: bytes = written.SerializeToString()
    return data


def without_memberships(forest: Forest, memberships: Memberships) -> Forest:
    """Return a forest that tests the codes of a set one by one, in place of the set's column."""
    if not memberships.sets:
        return forest
    sets = {column: one for one, column in memberships.sets.items()}
    sources: list[Source] = [Number(index) for index in range(memberships.features)]
    every = frozenset(range(memberships.features))
    given = Columned(None, sources, memberships.features, every)

    def plain(node: Node) -> Node:
        if isinstance(node, Leaf):
            return node
        yes, no = plain(node.yes), plain(node.no)
        if node.test.feature not in sets:
            return Split(node.test, yes, no, node.rows)
        feature, mask, missing = sets[node.test.feature]
        codes = [code for code in range(mask.bit_length()) if mask >> code & 1]
        return among(given, Chosen(feature, codes, missing, no, yes, node.rows))

    trees = tuple(map(plain, forest.trees))
    return replace(forest, trees=trees, columns=memberships.features)


class _Graph:
    """Collects nodes and constants; each method returns the name of what it makes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def chosen(self, memberships: Memberships, take: Sequence[int]) -> str:
        """Make the columns that the trees read, in their order."""
        looked_up = [self._lookup(f, table) for f, table in memberships.tables().items()]
        joined = self._node("Concat", ["rows", *looked_up], axis=1)
        indices = memberships.indices()
        chosen = self._constant(np.array([indices[column] for column in take], dtype=np.int64))
        return self._node("Gather", [joined, chosen], axis=1)

    def filled(self, plain: str, fill: Sequence[float | None]) -> str:
        """Put what stands for a missing value in its place."""
        values = self._constant(np.array([0.0 if v is None else v for v in fill], np.float32))
        return self._node("Where", [self._node("IsNaN", [plain]), values, plain])

    def mirrored(self, plain: str, wanted: bool) -> str:
        """Append every column again, negated."""
        if not wanted:
            return plain
        return self._node("Concat", [plain, self._node("Neg", [plain])], axis=1)

    def cast(self, given: str, kind: int) -> str:
        """Make the columns the numbers that the trees read."""
        return given if kind == TensorProto.FLOAT else self._node("Cast", [given], to=kind)

    def _lookup(self, feature: int, table: NDArray[np.uint8]) -> str:
        """Look the row of a feature's table up: rows that are equal stand once."""
        patterns, rows = np.unique(table, axis=0, return_inverse=True)
        at = self._row(feature, len(table) - 1)
        pattern = self._node("Gather", [self._constant(rows.astype(np.int64).ravel()), at])
        found = self._node("Gather", [self._constant(patterns), pattern])
        return self._node("Cast", [found], to=TensorProto.FLOAT)

    def _row(self, feature: int, last: int) -> str:
        """Return which row of its table, the last for no value, a feature's code has."""
        place = self._constant(np.array(feature, dtype=np.int64))
        code = self._node("Gather", ["rows", place], axis=1)
        bounds = [self._constant(np.array(v, dtype=np.float32)) for v in (0, last - 1, 1, last)]
        lowest, highest, one, missing = bounds
        known = self._node("Clip", [self._node("Add", [code, one]), lowest, highest])
        row = self._node("Where", [self._node("IsNaN", [code]), missing, known])
        return self._node("Cast", [row], to=TensorProto.INT64)

    def _node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        name = f"made{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def _constant(self, value: NDArray[np.generic]) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name
