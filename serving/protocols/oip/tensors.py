"""Tensors of the Open Inference Protocol, to rows and back; over REST and gRPC alike.

github.com/kserve/open-inference-protocol says what they are: a name, a
datatype, a shape, and the values flat in row-major order. In binary, numbers
are little-endian, and each of BYTES has its length before it in four bytes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import ParseError, RowsError
from learning.task import Column
from serving.champions import Live, Prediction
from serving.refusals import RequestError
from tables.batch import Batch
from tables.field_aliases import canonical
from tables.rows import Decoded, RowCodec
from tables.schema import Feature, Schema

NUMBERS = {
    "BOOL": "?",
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}
BYTES = "BYTES"
# The datatype of an output, by the kind of its column.
OUTPUTS = {"boolean": "BOOL", "integer": "INT64", "number": "FP64", "text": "BYTES"}
PLATFORM = "mirante"

# What metadata says of a feature. An integer feature that can be missing needs NaN.
_DATATYPES = {"number": "FP64", "integer": "INT64", "boolean": "BOOL"}


class Tensor(NamedTuple):
    """A tensor: values flat in row-major order, as Python values or a flat array."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: Sequence[Any] | NDArray[Any]

    def values(self) -> list[Any]:
        """Return the values as Python has them, NaN as None: that is how a tensor lacks one."""
        flat = self.data.tolist() if isinstance(self.data, np.ndarray) else list(self.data)
        if self.datatype.startswith("FP"):
            # Only NaN is not itself; math.isnan fails for an integer that no float holds.
            return [None if value != value else value for value in flat]
        return flat


def tensor_of(name: str, datatype: str, shape: Sequence[int], data: Any) -> Tensor:
    """Return a tensor of values, given flat or as nested as its shape.

    Texts may be bytes. Raises ParseError when they are not what shape and datatype say.
    """
    size = _size(datatype, shape)
    if not isinstance(data, list):
        raise ParseError("tensor data: expected a list")
    if len(shape) > 1 and data and all(isinstance(part, list) for part in data):
        data = [value for part in data for value in part]
    _check_count(len(data), size)
    return Tensor(name, datatype, tuple(shape), _checked(datatype, data))


def tensor_of_bytes(name: str, datatype: str, shape: Sequence[int], raw: bytes) -> Tensor:
    """Return a tensor of its binary form. Raises ParseError."""
    size = _size(datatype, shape)
    if datatype == BYTES:
        texts = _split(raw)
        _check_count(len(texts), size)
        return Tensor(name, datatype, tuple(shape), texts)
    kind = np.dtype(NUMBERS[datatype])
    if len(raw) != size * kind.itemsize:
        raise ParseError(
            f"tensor data: expected {size * kind.itemsize} bytes of {datatype}, got {len(raw)}"
        )
    return Tensor(name, datatype, tuple(shape), np.frombuffer(raw, kind))


def to_bytes(tensor: Tensor) -> bytes:
    """Return the binary form of a tensor."""
    if tensor.datatype != BYTES:
        return np.asarray(tensor.data, np.dtype(NUMBERS[tensor.datatype])).tobytes()
    texts = (text.encode() for text in tensor.data)
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def _size(datatype: str, shape: Sequence[int]) -> int:
    if datatype != BYTES and datatype not in NUMBERS:
        raise ParseError(f"tensor datatype: expected one of {', '.join(NUMBERS)} or {BYTES}")
    if len(shape) not in (1, 2) or min(shape) < 0:
        raise ParseError("tensor shape: expected [n] or [n, d]")
    return math.prod(shape)


def _check_count(got: int, expected: int) -> None:
    if got != expected:
        raise ParseError(f"tensor data: expected {expected} values for its shape, got {got}")


def _checked(datatype: str, data: list[Any]) -> list[Any]:
    if datatype == BYTES:
        data = [_text(value) if isinstance(value, bytes) else value for value in data]
        good = all(type(value) is str for value in data)
    elif datatype == "BOOL":
        good = all(type(value) is bool for value in data)
    elif datatype.startswith("FP"):
        good = all(type(value) in (int, float, type(None)) for value in data)
    else:
        bounds = np.iinfo(NUMBERS[datatype])
        good = all(type(v) is int and bounds.min <= v <= bounds.max for v in data)
    if not good:
        raise ParseError(f"tensor data: expected values of {datatype}")
    return data


def _split(raw: bytes) -> list[str]:
    texts, index = [], 0
    while index < len(raw):
        end = index + 4
        length = int.from_bytes(raw[index:end], "little")
        index = end + length
        if index > len(raw):
            raise ParseError("tensor data: the last of BYTES is cut short")
        texts.append(_text(raw[end:index]))
    return texts


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ParseError("tensor data: BYTES are not UTF-8") from None


def decode_tensors(codec: RowCodec, tensors: Sequence[Tensor], strict: bool = False) -> Decoded:
    """Decode input tensors: one `[n, d]` of all features, or `[n]` or `[n, 1]` of each.

    In a tensor of all features 0 and 1 stand for booleans, and a tensor of BYTES
    has its values written as in CSV. `strict` refuses what else is answered with
    a warning. Raises ParseError and RowsError.
    """
    called = canonical([tensor.name for tensor in tensors], codec.schema)
    tensors = [t._replace(name=name) for t, name in zip(tensors, called, strict=True)]
    names = [feature.name for feature in codec.schema.features]
    if len(tensors) == 1 and tensors[0].name not in names and len(tensors[0].shape) == 2:
        decoded = _decode_matrix(codec, names, tensors[0], strict)
    else:
        decoded = codec.decode_objects(_rows(codec.schema, _columns(tensors)), strict=strict)
    if not decoded.indices:
        raise RowsError("expected at least one row")
    return decoded


def _columns(tensors: Sequence[Tensor]) -> dict[str, list[Any]]:
    columns = {tensor.name: _column(tensor) for tensor in tensors}
    if len(columns) < len(tensors) or len({len(column) for column in columns.values()}) != 1:
        raise ParseError("inputs: expected tensors of different names and equally many rows")
    return columns


def _column(tensor: Tensor) -> list[Any]:
    if len(tensor.shape) == 2 and tensor.shape[1] != 1:
        raise ParseError("inputs: expected one tensor [n, d] of all features, or [n] of each")
    return tensor.values()


def _decode_matrix(codec: RowCodec, names: list[str], tensor: Tensor, strict: bool) -> Decoded:
    if tensor.shape[1] != len(names):
        raise ParseError(f"inputs: expected a tensor [n, {len(names)}], a column a feature")
    quick = _quickly(codec, tensor)
    if quick is not None:
        return quick
    flat, width = tensor.values(), len(names)
    columns: dict[str, Sequence[Any]] = {
        name: flat[index::width] for index, name in enumerate(names)
    }
    if tensor.datatype == BYTES:
        return codec.decode_columns(columns, strict=strict)
    return codec.decode_objects(_rows(codec.schema, columns), strict=strict)


def _quickly(codec: RowCodec, tensor: Tensor) -> Decoded | None:
    """Return the batch of a tensor that is one already: finite numbers for features that are."""
    if not tensor.datatype.startswith("FP") or tensor.shape[0] == 0:
        return None
    if any(feature.kind != "number" for feature in codec.schema.features):
        return None
    try:
        with np.errstate(over="ignore"):
            matrix = np.array(tensor.data, dtype=np.float64).astype(np.float32)
    except OverflowError:  # an integer that no float holds
        return None
    if not np.isfinite(matrix).all():
        return None
    return Decoded(Batch(matrix.reshape(tensor.shape)), range(tensor.shape[0]))


def _rows(schema: Schema, columns: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Return the rows, made one by one: there may be more than are taken."""
    kinds = {feature.name: feature.kind for feature in schema.features}
    read: dict[str, Sequence[Any]] = {
        name: [_to_boolean(value) for value in column] if kinds.get(name) == "boolean" else column
        for name, column in columns.items()
    }
    return (dict(zip(read, values, strict=True)) for values in zip(*read.values(), strict=True))


def _to_boolean(value: Any) -> Any:
    return bool(value) if value in (0, 1) else value


def output_tensors(live: Live, prediction: Prediction, names: Iterable[str] = ()) -> list[Tensor]:
    """Return the outputs of a prediction, all or those named. Raises RequestError."""
    columns = {column.name: column for column in live.task.columns(live.schema.target, prediction)}
    chosen = tuple(names) or tuple(columns)
    if not columns.keys() >= set(chosen):
        raise RequestError(f"outputs: expected {' or '.join(columns)}")
    return [_output(live, prediction, columns[name]) for name in chosen]


def _output(live: Live, prediction: Prediction, column: Column) -> Tensor:
    rows = live.task.column(column.name, prediction, live.schema.target)
    shape = (len(rows), *_widths(column))
    data = rows if column.width is None else list(chain.from_iterable(rows))
    return Tensor(column.name, OUTPUTS[column.kind], shape, data)


def _widths(column: Column) -> tuple[int, ...]:
    return () if column.width is None else (column.width,)


def feature_datatype(feature: Feature) -> str:
    """Return the datatype that a feature's tensor is best given in."""
    if feature.kind == "integer" and feature.nullable:
        return "FP64"
    return _DATATYPES.get(feature.kind, BYTES)


def metadata(live: Live) -> dict[str, Any]:
    """Return what the protocol calls a model's metadata; -1 stands for any number of rows."""
    return {
        "name": live.name,
        "versions": [live.version],
        "platform": PLATFORM,
        "inputs": [
            {"name": feature.name, "datatype": feature_datatype(feature), "shape": [-1]}
            for feature in live.schema.features
        ],
        "outputs": [
            {"name": c.name, "datatype": OUTPUTS[c.kind], "shape": [-1, *_widths(c)]}
            for c in live.task.columns(live.schema.target)
        ],
    }
