"""Splits by membership of a set of categories, as columns of an ONNX graph.

A column is 1 where the row's category is one of a set, and 0 elsewhere, as for
a category never seen. The graph looks them up before it comes to the trees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from errors import ModelFileError
from learning.runtimes.columns import Columns
from learning.runtimes.onnx import COLUMNS

# A double holds whole numbers, and so bit masks, up to this many bits.
MOST_LEVELS = 53


class Memberships:
    """The sets that splits ask for, and the column of each, behind the features' own.

    `partitioned` says of each feature that is split so how many categories it has.
    Raises ModelFileError for more of them than a bit mask holds.
    """

    def __init__(self, features: int, partitioned: Mapping[int, int]) -> None:
        if max(partitioned.values(), default=0) > MOST_LEVELS:
            raise ModelFileError(f"partition mode with more than {MOST_LEVELS} levels")
        self.features = features
        self.partitioned = dict(partitioned)
        self.sets: dict[tuple[int, int], int] = {}

    @property
    def width(self) -> int:
        """The number of columns, those of the features too."""
        return self.features + len(self.sets)

    def index(self, feature: int, mask: int) -> int:
        """Return the column of a set, given as the bits of its codes."""
        return self.sets.setdefault((feature, mask), self.width)

    def tables(self) -> dict[int, NDArray[np.float32]]:
        """Return by feature the values `[categories + 1, sets]` of its columns, from code -1 on."""
        masks: dict[int, list[int]] = {}
        for feature, mask in self.sets:
            masks.setdefault(feature, []).append(mask)
        return {
            feature: np.array(
                [[0.0] * len(found)]
                + [
                    [float(m >> code & 1) for m in found]
                    for code in range(self.partitioned[feature])
                ],
                dtype=np.float32,
            )
            for feature, found in masks.items()
        }

    def indices(self) -> list[int]:
        """Return where each column stands once the tables' follow the features, table by table."""
        features = list(self.tables())
        grouped = sorted(self.sets, key=lambda one: features.index(one[0]))
        found = {one: self.features + at for at, one in enumerate(grouped)}
        return [*range(self.features), *(found[one] for one in self.sets)]


def with_memberships(model: bytes, memberships: Memberships) -> bytes:
    """Return a forest's graph, made to take a batch's matrix as it is and look its columns up."""
    proto = onnx.load_from_string(model)
    meta = {entry.key: entry.value for entry in proto.metadata_props}
    columns = msgspec.json.decode(meta[COLUMNS], type=Columns)
    assert not columns.codes, "a forest from R tests no single category"
    graph = _Graph()
    trees = proto.graph.node[0]
    trees.input[0] = graph.mirrored(graph.chosen(memberships, columns.take), columns.mirrored)
    given = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, memberships.features])
    whole = helper.make_graph(
        [*graph.nodes, trees], "forest", [given], list(proto.graph.output), graph.constants
    )
    written = helper.make_model(
        whole, opset_imports=list(proto.opset_import), ir_version=proto.ir_version,
        producer_name="mirante",
    )  # fmt: skip
    onnx.checker.check_model(written)
    data: bytes = written.SerializeToString()
    return data


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

    def mirrored(self, plain: str, wanted: bool) -> str:
        """Append every column again, negated."""
        if not wanted:
            return plain
        return self._node("Concat", [plain, self._node("Neg", [plain])], axis=1)

    def _lookup(self, feature: int, table: NDArray[np.float32]) -> str:
        place = self._constant(np.array(feature, dtype=np.int64))
        code = self._node("Gather", ["rows", place], axis=1)
        row = self._node("Add", [code, self._constant(np.array(1.0, dtype=np.float32))])
        index = self._node("Cast", [row], to=TensorProto.INT64)
        return self._node("Gather", [self._constant(table), index], axis=0)

    def _node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        name = f"made{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def _constant(self, value: NDArray[np.generic]) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name
