"""Whole columns at once: numbers and words of texts that PyArrow keeps.

What is returned is what `tables.numbers` and `tables.cells` read cell by cell;
where that is not certain, nothing is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tables.cells import ALWAYS_MISSING, MISSING, MISSING_IN_NUMBERS
from tables.numbers import PLAIN_NUMBERS, NumberFormat, parts_of
from tables.texts import Texts

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE = 200
# An integer of more digits may not be held by 64 bits.
MOST_DIGITS = 18

_NUMBER = b"0123456789+-.,eE"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
# Of a day.
_MICROSECONDS = 86_400_000_000
_GROUPS = r"^[+-]?(?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)(?:[eE][+-]?[0-9]+)?$"


class Numbers(NamedTuple):
    """A column of numbers: int64 or float64, which rows have one, and which words mean none.

    `format` is how they are written, `decimal` the sign before a fraction if one has it.
    """

    values: NDArray[np.int64] | NDArray[np.float64]
    there: NDArray[np.bool_]
    words: dict[str, int]
    format: NumberFormat
    decimal: str | None = None


def read_numbers(texts: Texts) -> Numbers | None:
    """Read numbers that are written plainly, or with decimal commas, and in no other way."""
    array = texts.array
    if len(array) == array.null_count:
        return None
    if (found := _as_written(array, {})) is not None:
        return found
    found_words = _without_words(array)
    return None if found_words is None else _as_written(*found_words)


class Moments(NamedTuple):
    """A column of dates: days since 1970, the seconds of each, and which rows have one."""

    days: NDArray[np.int64]
    seconds: NDArray[np.float64]
    there: NDArray[np.bool_]


def read_moments(texts: Texts) -> Moments | None:
    """Read dates in ISO 8601 without an offset, and in no other way."""
    import pyarrow as pa
    import pyarrow.compute as pc

    array = texts.array
    head = array[:SAMPLE].drop_null()
    if not len(head) or not all(re.match(_DAY, text) for text in head.to_pylist()):
        return None
    lengths = pc.binary_length(array)
    # Arrow reads an hour without minutes too.
    if pc.any(pc.and_(pc.not_equal(lengths, 10), pc.less(lengths, 16))).as_py():
        return None
    try:
        stamps = array.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    days, rest = np.divmod(pc.fill_null(stamps.cast(pa.int64()), 0).to_numpy(), _MICROSECONDS)
    return Moments(days, rest / 1e6, array.is_valid().to_numpy())


def _as_written(array: pa.ChunkedArray, words: dict[str, int]) -> Numbers | None:
    # A null may keep its text in the buffer.
    signs = _signs(array.drop_null())
    if signs is None or {".", ","} <= signs:
        return None
    if "," in signs:
        return _decimal_commas(array, words)
    if signs & {".", "e", "E"}:
        found = _floats(array, words, PLAIN_NUMBERS) if _is_certain(array) else None
        return found._replace(decimal="." if "." in signs else None) if found else None
    return _integers(array, words)


def _decimal_commas(array: pa.ChunkedArray, words: dict[str, int]) -> Numbers | None:
    import pyarrow.compute as pc

    points = pc.replace_substring(array, ",", ".")
    found = _floats(points, words, NumberFormat(",")) if _is_certain(points) else None
    return found._replace(decimal=",") if found else None


def _integers(array: pa.ChunkedArray, words: dict[str, int]) -> Numbers | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if _has_codes(array) or pc.max(pc.binary_length(array)).as_py() > MOST_DIGITS:
        return None
    try:
        values = array.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    there = values.is_valid().to_numpy()
    return Numbers(pc.fill_null(values, 0).to_numpy(), there, words, PLAIN_NUMBERS)


def _floats(array: pa.ChunkedArray, words: dict[str, int], written: NumberFormat) -> Numbers | None:
    import pyarrow as pa

    if _has_codes(array):
        return None
    try:
        values = array.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    return Numbers(values, ~np.isnan(values), words, written)


def _is_certain(array: pa.ChunkedArray) -> bool:
    """Whether a point can be nothing but the decimal one: not all digits are in groups of three."""
    import pyarrow.compute as pc

    head = [text for text in array[:SAMPLE].to_pylist() if text]
    if not all(re.match(_GROUPS, text) for text in head):
        return True
    return not pc.all(pc.match_substring_regex(array, _GROUPS)).as_py()


def _without_words(array: pa.ChunkedArray) -> tuple[pa.ChunkedArray, dict[str, int]] | None:
    """Put null for the words that mean no number, and say how often each stands.

    Spaces around texts go too. None where there are no numbers beside the words.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    head = [text.strip() for text in array[:SAMPLE].to_pylist() if text]
    if not any(map(parts_of, head)):
        return None
    array = pc.utf8_trim_whitespace(array)
    missing = pc.is_in(pc.utf8_lower(array), value_set=pa.array(sorted(MISSING_IN_NUMBERS)))
    found = array.filter(missing).value_counts()
    counts = {one["values"].as_py(): one["counts"].as_py() for one in found}
    words = {word: count for word, count in counts.items() if word not in ALWAYS_MISSING}
    array = pc.if_else(missing, pa.scalar(None, pa.string()), array)
    # Beside one number alone, such a word may be the other of two values.
    if not words.keys() <= MISSING and pc.count_distinct(array).as_py() < 2:
        return None
    return array, words


def encode(texts: Texts) -> tuple[list[str], NDArray[np.intp]]:
    """Return the different texts, and each row's index in them, -1 where there is none."""
    import pyarrow.compute as pc

    found = texts.array.combine_chunks().dictionary_encode()
    codes = pc.fill_null(found.indices, -1).to_numpy(zero_copy_only=False)
    return found.dictionary.to_pylist(), codes.astype(np.intp)


def _signs(array: pa.ChunkedArray) -> set[str] | None:
    """Return which signs of numbers a column has beside digits; None if it has other characters."""
    found: set[str] = set()
    for buffer, _ in _buffers(array):
        data = buffer.tobytes()
        if data[:SAMPLE].translate(None, _NUMBER) or data.translate(None, _NUMBER):
            return None
        found.update(sign for sign in "+-.,eE" if sign.encode() in data)
    return found


def _buffers(array: pa.ChunkedArray) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int32]]]:
    """Yield the bytes of each chunk, and where in them each text begins and the last one ends."""
    for chunk in array.chunks:
        if len(chunk) == 0 or chunk.buffers()[2] is None:
            continue
        offsets = np.frombuffer(chunk.buffers()[1], dtype=np.int32)
        offsets = offsets[chunk.offset : chunk.offset + len(chunk) + 1]
        data = np.frombuffer(chunk.buffers()[2], dtype=np.uint8)[offsets[0] : offsets[-1]]
        yield data, offsets - offsets[0]


def _has_codes(array: pa.ChunkedArray) -> bool:
    """Whether a text is digits with a needless zero before them."""
    import pyarrow.compute as pc

    for data, offsets in _buffers(array.drop_null()):
        padded = np.append(data, np.zeros(3, dtype=np.uint8))
        first = offsets[:-1] + np.isin(padded[offsets[:-1]], (43, 45))
        second = padded[np.minimum(first + 1, len(data))]
        digit = (second >= 48) & (second <= 57) & (first + 1 < offsets[1:])
        if ((padded[first] == 48) & digit).any():
            return bool(pc.any(pc.match_substring_regex(array, r"^[+-]?0[0-9]+$")).as_py())
    return False
