"""NumPy's .npy files to rows: numbers, booleans or texts, one array of all features.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html has the format. An array
of objects is a pickle, and is refused unread.
"""

from __future__ import annotations

import io
import math
import tokenize
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from errors import ParseError, RowsError, TooManyRows
from tables.json_text import too_many
from tables.schema import Schema

# Bytes of the header, which names a type and a shape.
MOST_HEADER = 1024
# What a header that is none raises; the last is of one that looks like Python 2's.
_FAULTS = (
    *(ValueError, KeyError, TypeError, SyntaxError, MemoryError, RecursionError),
    *(tokenize.TokenError, UserWarning),
)
# Of a number; longer ones are of some machines only.
MOST_BYTES = 8
LAST_LETTER = 0x10FFFF
NO_NPY = "the body is not a .npy file"
# Booleans, integers, floats, texts: https://numpy.org/doc/stable/reference/arrays.interface.html
KINDS = "biufU"


def read_npy(body: bytes, schema: Schema, most_rows: int) -> NDArray[Any]:
    """Return the array `[n, d]` of the features in their order; `[d]` is one row.

    It is a view of the body: a header that claims more than there is takes no memory.
    Raises ParseError, RowsError for another shape, and TooManyRows.
    """
    shape, fortran, kind, data = _header(body)
    width = len(schema.features)
    text = kind.kind == "U"
    if kind.kind not in KINDS or not 0 < kind.itemsize <= (len(data) if text else MOST_BYTES):
        raise ParseError(".npy: expected an array of numbers, booleans or texts")
    if len(data) != math.prod(shape) * kind.itemsize:
        raise ParseError(".npy: expected as many values as its shape says")
    if len(shape) == 1 and shape != (width,) and width == 1:
        shape = (*shape, 1)
    if shape not in ((width,), (shape[0] if shape else 0, width)):
        raise RowsError(f".npy: expected an array [n, {width}]")
    rows = shape[0] if len(shape) == 2 else 1
    if rows > most_rows:
        raise TooManyRows(too_many(most_rows))
    array = np.frombuffer(data, kind)
    return array.reshape((width, rows)).T if fortran else array.reshape((rows, width))


def _header(body: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any], memoryview]:
    """Return shape, order and type of the array, and its bytes."""
    stream = io.BytesIO(body[: MOST_HEADER + 16])
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    try:
        read = readers[npy.read_magic(stream)]
        shape, fortran, kind = read(stream, max_header_size=MOST_HEADER)
    except _FAULTS:
        raise ParseError(NO_NPY) from None
    if any(size < 0 for size in shape):
        raise ParseError(NO_NPY)
    return shape, fortran, kind, memoryview(body)[stream.tell() :]


def rows_of_array(array: NDArray[Any], schema: Schema) -> Iterator[dict[str, Any]]:
    """Yield the rows of an array of numbers; NaN is a missing value, and 0 and 1 are booleans."""
    names = [feature.name for feature in schema.features]
    booleans = [feature.kind == "boolean" for feature in schema.features]
    for row in array:
        values = map(_value, row.tolist(), booleans)
        yield dict(zip(names, values, strict=True))


def _value(value: Any, boolean: bool) -> Any:
    if value != value:  # only NaN is not itself
        return None
    return bool(value) if boolean and value in (0, 1) else value


def columns_of_array(array: NDArray[Any], schema: Schema) -> dict[str, list[str]]:
    """Return the columns of an array of texts, each as a cell of CSV. Raises ParseError."""
    letters = np.ascontiguousarray(array).view(f"{array.dtype.byteorder}u4")
    # NumPy hands numbers that are no letters to Python, which fails; halves of one it does not see.
    if ((letters > LAST_LETTER) | ((letters >= 0xD800) & (letters <= 0xDFFF))).any():
        raise ParseError(".npy: the texts are not Unicode")
    columns = zip(schema.features, array.T, strict=True)
    return {feature.name: column.tolist() for feature, column in columns}


def write_npy(values: list[Any]) -> bytes:
    """Return values of one type as a .npy file."""
    stream = io.BytesIO()
    np.save(stream, np.array(values), allow_pickle=False)
    return stream.getvalue()
