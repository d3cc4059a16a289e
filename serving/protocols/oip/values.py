"""Values of tensors: read from JSON and from binary, checked, and packed where they are many.

In Python a text of one letter takes sixty bytes, and in JSON four. So the data of a
long body is read a block at a time, and each block kept as an array.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from errors import ParseError, TooManyRows
from tables.json_text import BLOCK_BYTES, Most, items_of, outline, parse_block
from tables.texts import Texts

NUMBERS = {
    "BOOL": "?",
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}
BYTES = "BYTES"
# Values that are Python's own at a time, once they are many.
RUN = 2**14
_BLANK = b" \t\r\n"


def _decoders(datatype: str) -> dict[bool, msgspec.json.Decoder[Any]]:
    """Return what reads values that are flat (False) and nested (True)."""
    whole: Any = {BYTES: str, "BOOL": bool}.get(datatype, int)
    kind: Any = (float if datatype.startswith("FP") else whole) | None
    return {False: msgspec.json.Decoder(list[kind]), True: msgspec.json.Decoder(list[list[kind]])}


_DECODERS = {datatype: _decoders(datatype) for datatype in (*NUMBERS, BYTES)}


class Packed:
    """Many values, in parts: arrays of NumPy's or Arrow's, or lists where neither can hold them."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def runs(self) -> Iterator[list[Any]]:
        """Yield the values as Python has them, a run after another."""
        for part in self._parts:
            for start in range(0, len(part), RUN):
                run = part[start : start + RUN]
                yield run if isinstance(run, list) else run.tolist()

    def numbers(self) -> NDArray[np.float64] | None:
        """Return the values as one array, None where they are not numbers, each of them there."""
        if not all(isinstance(part, np.ndarray) for part in self._parts):
            return None
        return np.concatenate([np.empty(0), *self._parts])

    def columns(self, width: int) -> list[Sequence[str]]:
        """Return the columns of rows of so many texts; no text and a null are the same."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if any(isinstance(part, list) for part in self._parts):
            texts: list[str] = [text or "" for run in self.runs() for text in run]
            return [texts[index::width] for index in range(width)]
        chunks: list[list[Any]] = [[] for _ in range(width)]
        done = 0
        for part in self._parts:
            kept = pc.if_else(pc.equal(part, ""), pa.scalar(None, pa.string()), part)
            for index, column in enumerate(chunks):
                column.append(kept.take(np.arange((index - done) % width, len(part), width)))
            done += len(part)
        return [Texts(pa.chunked_array(column, pa.string())) for column in chunks]


Values = Sequence[Any] | NDArray[Any] | Packed


def runs_of(values: Values) -> Iterator[list[Any]]:
    """Yield values as Python has them, a run after another."""
    if isinstance(values, list):
        return iter((values,))
    return (values if isinstance(values, Packed) else Packed([values])).runs()


def check_datatype(datatype: str | None) -> None:
    """Raise ParseError for a datatype that the protocol does not have."""
    if datatype is not None and datatype != BYTES and datatype not in NUMBERS:
        raise ParseError(f"tensor datatype: expected one of {', '.join(NUMBERS)} or {BYTES}")


def datatype_of(data: Sequence[Any]) -> str:
    """Return the datatype of values that are given without: as their first is."""
    first = next((value for value in data if value is not None), None)
    if isinstance(first, list):
        return datatype_of(first)
    if isinstance(first, bool):
        return "BOOL"
    return BYTES if isinstance(first, str | bytes) else "FP64"


def check_count(got: int, expected: int) -> None:
    """Raise ParseError for more or fewer values than a shape has."""
    if got != expected:
        raise ParseError(f"tensor data: expected {expected} values for its shape, got {got}")


def checked(datatype: str, data: Sequence[Any], content_type: str | None = None) -> Values:
    """Return values, None among them where there is none; texts may be bytes. Raises ParseError."""
    if datatype == BYTES:
        if len(data) > RUN:
            runs = (data[start : start + RUN] for start in range(0, len(data), RUN))
            return Packed([_pack(BYTES, _texts(run, content_type)) for run in runs])
        return _texts(data, content_type)
    if datatype == "BOOL":
        good = all(type(value) in (bool, _NONE) for value in data)
    elif datatype.startswith("FP"):
        good = all(type(value) in (int, float, _NONE) for value in data)
    else:
        bounds = np.iinfo(NUMBERS[datatype])
        good = all(v is None or (type(v) is int and bounds.min <= v <= bounds.max) for v in data)
    if not good:
        raise _other_than(datatype)
    return data


_NONE = type(None)


def _other_than(datatype: str) -> ParseError:
    return ParseError(f"tensor data: expected values of {datatype}")


# ---------------------------------------------------------------- texts


def _texts(data: Iterable[Any], content_type: str | None) -> list[Any]:
    texts = [_text(value) if isinstance(value, bytes) else value for value in data]
    if not all(type(text) in (str, _NONE) for text in texts):
        raise _other_than(BYTES)
    read = _CONTENTS.get(content_type or "")
    return texts if read is None else [text if text is None else read(text) for text in texts]


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ParseError("tensor data: BYTES are not UTF-8") from None


def _from_base64(text: str) -> str:
    try:
        return _text(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise ParseError("tensor data: expected base64, as its content_type says") from None


def _from_json(text: str) -> Any:
    try:
        return _scalar.decode(text)
    except msgspec.DecodeError:
        raise ParseError("tensor data: expected JSON, as its content_type says") from None


_scalar: msgspec.json.Decoder[Any] = msgspec.json.Decoder(str | int | float | bool | None)
# What MLServer's codecs write into BYTES; of all others the text is the value.
_CONTENTS = {"base64": _from_base64, "pd_json": _from_json}


# ---------------------------------------------------------------- binary


def read_binary(datatype: str, raw: bytes, size: int, content_type: str | None = None) -> Values:
    """Return so many values of their binary form. Raises ParseError."""
    if datatype == BYTES:
        texts = _split(raw)
        runs = iter(lambda: list(islice(texts, RUN)), [])
        parts = [_texts(run, content_type) for run in islice(runs, 1)]
        parts += [_pack(BYTES, _texts(run, content_type)) for run in runs]
        check_count(sum(map(len, parts)), size)
        return parts[0] if len(parts) == 1 else Packed(parts)
    kind = np.dtype(NUMBERS[datatype])
    if len(raw) != size * kind.itemsize:
        raise ParseError(
            f"tensor data: expected {size * kind.itemsize} bytes of {datatype}, got {len(raw)}"
        )
    return np.frombuffer(raw, kind)


def _split(raw: bytes) -> Iterator[bytes]:
    index = 0
    while index < len(raw):
        end = index + 4
        index = end + int.from_bytes(raw[index:end], "little")
        if index > len(raw):
            raise ParseError("tensor data: the last of BYTES is cut short")
        yield raw[end:index]


# ---------------------------------------------------------------- long JSON


def read_long(
    datatype: str | None, text: bytes, shape: Sequence[int], content_type: str | None = None
) -> tuple[str, Packed]:
    """Return the datatype and the values of a list in JSON, which is read in blocks.

    Raises ParseError, and TooManyRows for one value that is too long.
    """
    if text[:1] != b"[":
        raise ParseError("tensor data: expected a list")
    size = int(np.prod(shape, dtype=object))
    try:
        found = outline(text, 0, len(text), Most(max(1, size), max(1, shape[0]) + 1, len(text)))
    except TooManyRows:
        raise ParseError(f"tensor data: expected {size} values for its shape, got more") from None
    nested = text[1 : 1 + BLOCK_BYTES].lstrip(_BLANK)[:1] == b"["
    known = datatype or _datatype_of_text(text, nested)
    parts = [_read_block(known, block, nested, content_type) for _, block in items_of(text, found)]
    check_count(sum(map(len, parts)), size)
    return known, Packed(parts)


def _datatype_of_text(text: bytes, nested: bool) -> str:
    # Of what cannot be told apart, each block says so.
    head = text[1 : 1 + BLOCK_BYTES].lstrip(_BLANK + b"[").removeprefix(b"null")
    first = head.lstrip(_BLANK + b",nul")[:1]
    return {b'"': BYTES, b"t": "BOOL", b"f": "BOOL"}.get(first, "FP64")


def _read_block(datatype: str, block: bytes, nested: bool, content_type: str | None) -> Any:
    values = _decoded(datatype, block, nested)
    if datatype == BYTES and content_type in _CONTENTS:
        values = _texts(values, content_type)
    return _pack(datatype, values)


def _decoded(datatype: str, block: bytes, nested: bool) -> list[Any]:
    try:
        values: list[Any] = _DECODERS[datatype][nested].decode(block)
        return list(chain.from_iterable(values)) if nested else values
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = parse_block(block)  # which says what is no JSON
    if nested and all(isinstance(part, list) for part in found):
        found = list(chain.from_iterable(found))
    checked(datatype, found)
    return list(found)


def _pack(datatype: str, values: list[Any]) -> Any:
    """Return values as an array, and where none can hold them as they are."""
    try:
        if datatype == BYTES:
            import pyarrow as pa

            return pa.array(values, pa.string())
        if datatype.startswith("FP"):
            return np.array(values, np.float64)
        return values if None in values else np.array(values, NUMBERS[datatype])
    except OverflowError:
        checked(datatype, values)
    except (ValueError, TypeError):  # what is no Unicode, or not of one type
        pass
    return values
