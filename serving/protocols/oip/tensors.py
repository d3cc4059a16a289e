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

from errors import ParseError, RowsError, TooManyRows
from learning.task import Column
from serving.champions import Live, Prediction
from serving.protocols.oip.values import (
    BYTES,
    NUMBERS,
    Packed,
    Values,
    check_count,
    check_datatype,
    checked,
    datatype_of,
    read_binary,
    runs_of,
)
from serving.refusals import RequestError
from tables.batch import Batch
from tables.field_aliases import canonical
from tables.json_text import MOST_ROWS, too_many
from tables.rows import Decoded, RowCodec
from tables.schema import Schema

# The datatype of an output, by the kind of its column.
OUTPUTS = {"boolean": "BOOL", "integer": "INT64", "number": "FP64", "text": "BYTES"}


class Tensor(NamedTuple):
    """A tensor: values flat in row-major order; in `data` they may be arrays.

    `parameters` are what an output says of itself.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: Values
    parameters: Mapping[str, str] | None = None

    def values(self) -> Iterator[Any]:
        """Yield the values as Python has them, NaN as None: that is how a tensor lacks one."""
        for run in runs_of(self.data):
            if self.datatype.startswith("FP"):
                # Only NaN is not itself; math.isnan fails for an integer that no float holds.
                yield from (None if value != value else value for value in run)
            else:
                yield from run


def tensor_of(
    name: str,
    datatype: str | None,
    shape: Sequence[int],
    data: Any,
    content_type: str | None = None,
) -> Tensor:
    """Return a tensor of values, given flat or as nested as its shape, None where there is none.

    Texts may be bytes, and written as MLServer's `content_type` says. Without a datatype
    it is that of the values. Raises ParseError when they are not what shape and datatype say.
    """
    check_datatype(datatype)
    size = size_of(shape)
    if not isinstance(data, Sequence) or isinstance(data, str | bytes):
        raise ParseError("tensor data: expected a list")
    datatype = datatype or datatype_of(data)
    if len(shape) > 1 and data and all(isinstance(part, list) for part in data):
        data = [value for part in data for value in part]
    check_count(len(data), size)
    return Tensor(name, datatype, tuple(shape), checked(datatype, data, content_type))


def tensor_of_bytes(
    name: str,
    datatype: str | None,
    shape: Sequence[int],
    raw: bytes,
    content_type: str | None = None,
) -> Tensor:
    """Return a tensor of its binary form. Raises ParseError."""
    if datatype is None:
        raise ParseError("tensor datatype: expected one of a tensor in binary")
    check_datatype(datatype)
    values = read_binary(datatype, raw, size_of(shape), content_type)
    return Tensor(name, datatype, tuple(shape), values)


def to_bytes(tensor: Tensor) -> bytes:
    """Return the binary form of a tensor."""
    if tensor.datatype != BYTES:
        return np.asarray(tensor.data, np.dtype(NUMBERS[tensor.datatype])).tobytes()
    texts = (text.encode() for text in tensor.values())
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def size_of(shape: Sequence[int]) -> int:
    """Return how many values a tensor of this shape has. Raises ParseError."""
    if len(shape) not in (1, 2) or min(shape) < 0:
        raise ParseError("tensor shape: expected [n] or [n, d]")
    return math.prod(shape)


def check_shape(schema: Schema, name: str, shape: Sequence[int], most_rows: int) -> None:
    """Refuse, before its values are read, a tensor of more rows or columns than are taken.

    Raises ParseError and TooManyRows.
    """
    size_of(shape)
    names = {feature.name for feature in schema.features}
    if len(shape) == 2 and shape[1] not in (1, len(names)):
        raise _other_than(len(names)) if name not in names else ParseError(_ONE_OF_EACH)
    if shape[0] > max(most_rows, len(names) if len(shape) == 1 else 0):
        raise TooManyRows(too_many(most_rows))


_ONE_OF_EACH = "inputs: expected one tensor [n, d] of all features, or [n] of each"


def _other_than(width: int) -> ParseError:
    return ParseError(f"inputs: expected a tensor [n, {width}], a column a feature")


def decode_tensors(
    codec: RowCodec,
    tensors: Sequence[Tensor],
    *,
    partial: bool = False,
    strict: bool = False,
    most_rows: int = MOST_ROWS,
) -> Decoded:
    """Decode input tensors: one `[n, d]` of all features, or `[n]` or `[n, 1]` of each.

    One row of all features may be `[d]`. In a tensor of all features 0 and 1 stand for
    booleans, and a tensor of BYTES has its values written as in CSV. `partial` keeps the
    good rows, `strict` refuses what else is answered with a warning. Raises ParseError,
    RowsError and TooManyRows.
    """
    taken: dict[str, Any] = {"partial": partial, "strict": strict, "most_rows": most_rows}
    called = canonical([tensor.name for tensor in tensors], codec.schema)
    tensors = [t._replace(name=name) for t, name in zip(tensors, called, strict=True)]
    names = [feature.name for feature in codec.schema.features]
    for tensor in tensors:
        check_shape(codec.schema, tensor.name, tensor.shape, most_rows)
    matrix = _matrix(tensors, names)
    if matrix is not None:
        decoded = _decode_matrix(codec, names, matrix, taken)
    else:
        decoded = codec.decode_objects(_rows(codec.schema, *_columns(tensors)), **taken)
    if not decoded.indices:
        raise RowsError("expected at least one row that fits the signature", decoded.problems)
    return decoded


def _matrix(tensors: Sequence[Tensor], names: Sequence[str]) -> Tensor | None:
    """Return the one tensor of all features, None where each has its own."""
    if len(tensors) != 1 or tensors[0].name in names:
        return None
    (tensor,) = tensors
    if tensor.shape == (len(names),):
        return tensor._replace(shape=(1, len(names)))
    return tensor if len(tensor.shape) == 2 else None


def _columns(tensors: Sequence[Tensor]) -> tuple[list[str], Iterable[Sequence[Any]]]:
    names = [tensor.name for tensor in tensors]
    if len(set(names)) < len(names) or len({math.prod(t.shape) for t in tensors}) != 1:
        raise ParseError("inputs: expected tensors of different names and equally many rows")
    if any(tensor.shape[1:] not in ((), (1,)) for tensor in tensors):
        raise ParseError(_ONE_OF_EACH)
    return names, zip(*(tensor.values() for tensor in tensors), strict=True)


def _decode_matrix(
    codec: RowCodec, names: list[str], tensor: Tensor, taken: dict[str, Any]
) -> Decoded:
    width = len(names)
    if tensor.shape[1] != width:
        raise _other_than(width)
    quick = _quickly(codec, tensor)
    if quick is not None:
        return quick
    if tensor.datatype == BYTES:
        columns = zip(names, _columns_of_texts(tensor, width), strict=True)
        return codec.decode_columns(dict(columns), **taken)
    rows = zip(*[tensor.values()] * width, strict=True)
    return codec.decode_objects(_rows(codec.schema, names, rows), **taken)


def _columns_of_texts(tensor: Tensor, width: int) -> list[Sequence[str]]:
    if isinstance(tensor.data, Packed):
        return tensor.data.columns(width)
    texts: list[Any] = [
        text if isinstance(text, str) else _as_cell(text) for text in tensor.values()
    ]
    return [texts[index::width] for index in range(width)]


def _as_cell(value: Any) -> str:
    return "" if value is None else str(value)


def _quickly(codec: RowCodec, tensor: Tensor) -> Decoded | None:
    """Return the batch of a tensor that is one already: finite numbers for features that are."""
    if not tensor.datatype.startswith("FP") or tensor.shape[0] == 0:
        return None
    if any(feature.kind != "number" for feature in codec.schema.features):
        return None
    data = tensor.data.numbers() if isinstance(tensor.data, Packed) else tensor.data
    try:
        with np.errstate(over="ignore"):
            matrix = np.array(data, dtype=np.float64).astype(np.float32)
    except (OverflowError, TypeError):  # an integer that no float holds, or no numbers
        return None
    if matrix.size != math.prod(tensor.shape) or not np.isfinite(matrix).all():
        return None
    return Decoded(Batch(matrix.reshape(tensor.shape)), range(tensor.shape[0]))


def _rows(
    schema: Schema, names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterator[dict[str, Any]]:
    kinds = {feature.name: feature.kind for feature in schema.features}
    booleans = [name for name in names if kinds.get(name) == "boolean"]
    for values in rows:
        row = dict(zip(names, values, strict=True))
        for name in booleans:
            row[name] = _to_boolean(row[name])
        yield row


def _to_boolean(value: Any) -> Any:
    return bool(value) if value in (0, 1) else value


NO_TENSORS: Mapping[str, Tensor] = {}


class Requested(NamedTuple):
    """An output that a request names; `classes`: the most likely so many, of their values."""

    name: str
    classes: int | None = None


def output_tensors(
    live: Live,
    prediction: Prediction,
    requested: Sequence[Requested] = (),
    more: Mapping[str, Tensor] = NO_TENSORS,
) -> list[Tensor]:
    """Return the outputs of a prediction, all or those requested, and `more` in either case.

    Raises RequestError.
    """
    columns = {column.name: column for column in live.task.columns(live.schema.target, prediction)}
    chosen = tuple(requested) or tuple(map(Requested, [*columns, *more]))
    if not columns.keys() | more.keys() >= {one.name for one in chosen}:
        raise RequestError(f"outputs: expected {' or '.join([*columns, *more])}")
    return [
        more[one.name] if one.name in more else _output(live, prediction, columns[one.name], one)
        for one in chosen
    ]


def _output(live: Live, prediction: Prediction, column: Column, requested: Requested) -> Tensor:
    classes = requested.classes
    rows = live.task.column(column.name, prediction, live.schema.target)
    if classes is not None:
        return _most_likely(column, rows, classes)
    shape = (len(rows), *widths(column))
    data = rows if column.width is None else list(chain.from_iterable(rows))
    return Tensor(column.name, OUTPUTS[column.kind], shape, data)


def _most_likely(column: Column, rows: list[Any], count: int) -> Tensor:
    """Return the greatest values of each row, as Triton's classification extension writes them."""
    if column.width is None or not column.names:
        raise RequestError("outputs: classification is of an output with a value for each class")
    values = np.array(rows, dtype=np.float64)
    chosen = np.argsort(-values, axis=1, kind="stable")[:, :count].tolist()
    data = [
        f"{row[i]:f}:{i}:{column.names[i]}"
        for row, indices in zip(rows, chosen, strict=True)
        for i in indices
    ]
    return Tensor(column.name, BYTES, (len(rows), min(count, column.width)), data)


def widths(column: Column) -> tuple[int, ...]:
    """Return the dimensions that a column has beside its rows."""
    return () if column.width is None else (column.width,)
