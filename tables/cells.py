"""One column of a table: what kind of values it holds, and how they are read.

A column's cells are texts, as a CSV file has them, and None where a value is
missing; values that a loader made in Python are spelt as a CSV file would.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tables.dates import is_date

if TYPE_CHECKING:
    from tables.schema import Kind

Cells = Sequence[str | None]

# What tables write where there is no value. "None" and "none" are not among
# them: in a category they say that there is none of something, which is a value.
MISSING = frozenset({"", "?", "NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "NULL", "null"})

TRUE_WORDS = frozenset({"true", "yes"})
BOOLEAN_WORDS = TRUE_WORDS | {"false", "no"}

# More categories than these are read as text: one-hot columns by the thousand
# cost more than they tell.
MOST_CATEGORIES = 1000
# A value is a text rather than a category from this many words on, on average.
TEXT_WORDS = 3
# A column with this share of numbers, in this many different values, was meant to be numbers.
MOSTLY = 0.95
MANY = 20

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?inf(?:inity)?", re.IGNORECASE
)
# A number does not start with a needless zero; a postal code does.
_CODE = re.compile(r"[+-]?0[0-9]+")


def to_cell(value: Any) -> str | None:
    """Return a value as the text that a CSV file has for it, or None where it is missing.

    Surrounding spaces are kept, because a text is taken as it is.
    """
    if isinstance(value, str):
        return None if value.strip() in MISSING else value
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def to_cells(values: Iterable[Any]) -> list[str | None]:
    """Return a column's values as cells."""
    return [to_cell(value) for value in values]


def stripped(cells: Cells) -> list[str | None]:
    """Return the cells without surrounding spaces: what every kind but text reads."""
    return [None if cell is None else cell.strip() for cell in cells]


def kind_of(counts: Mapping[str, int]) -> Kind | None:
    """Return the kind of the narrowest reading that fits every value; None for dates.

    No kind reads a date: as a category it would be one never seen for every row
    to come. `counts` says how often each stripped text stands, of at least one.
    """
    if all(word.lower() in BOOLEAN_WORDS for word in counts):
        return "boolean"
    if all(map(_INTEGER.fullmatch, counts)) and not any(map(_CODE.fullmatch, counts)):
        return "integer"
    if all(map(_NUMBER.fullmatch, counts)) and not any(map(_CODE.fullmatch, counts)):
        return "number"
    if all(map(is_date, counts)):
        return None
    return "text" if _is_text(counts) else "category"


def _is_text(counts: Mapping[str, int]) -> bool:
    total = sum(counts.values())
    words = sum(len(text.split()) * count for text, count in counts.items()) / total
    return len(counts) > MOST_CATEGORIES or (len(counts) > total / 2 and words >= TEXT_WORDS)


def is_number(text: str) -> bool:
    """Whether a text is a number, also an infinite one."""
    return _NUMBER.fullmatch(text.strip()) is not None


def fits(text: str, kind: Kind) -> bool:
    """Whether a stripped text can be read as a kind."""
    fit = _FITS.get(kind)
    return fit is None or fit(text) is not None


_FITS: dict[str, Callable[[str], object]] = {
    "number": _NUMBER.fullmatch,
    "integer": _INTEGER.fullmatch,
    "boolean": lambda text: text.lower() in BOOLEAN_WORDS or None,
}


def mostly_numbers(counts: Mapping[str, int]) -> bool:
    """Whether nearly all cells, but not all, are numbers of many values; `counts` is by text."""
    numbers = [text for text in counts if _NUMBER.fullmatch(text)]
    share = sum(counts[text] for text in numbers) / sum(counts.values())
    return MANY <= len(numbers) < len(counts) and share >= MOSTLY


def to_boolean(text: str) -> bool:
    """Read true, yes, false, no in any case."""
    return text.lower() in TRUE_WORDS


_READERS: dict[str, Callable[[str], Any]] = {
    "number": float,
    "integer": int,
    "boolean": to_boolean,
    "category": str,
    "text": str,
}


def read_value(text: str, kind: Kind) -> Any:
    """Return a stripped text as the value of a kind. Raises ValueError for one that is none."""
    if not fits(text, kind):
        raise ValueError(f"not of kind {kind}")
    return _READERS[kind](text)


def read_values(cells: Cells, kind: Kind) -> list[Any]:
    """Return the cells as values of a kind, None where missing. Raises ValueError."""
    return [None if cell is None else read_value(cell, kind) for cell in cells]


def read_cell(cell: str, kind: Kind) -> Any:
    """Return what a row's cell says: a value of the kind, or None where it is missing.

    A cell that is not of the kind is returned as a text, for a check to name.
    An integer is read as a number, because a row may have 9.0 for it.
    """
    word = cell.strip()
    if word in MISSING:
        return None
    if kind == "text":
        return cell
    read_as: Kind = "number" if kind == "integer" else kind
    return _READERS[read_as](word) if fits(word, read_as) else word


def read_numbers(cells: Sequence[str]) -> list[float] | None:
    """Return cells as numbers, NaN where missing, if all of them are written plainly, or None.

    What it returns is what `read_cell` gives cell by cell, in less time.
    """
    written = "".join([cell for cell in cells if cell not in MISSING])
    # Python reads 1_000, other scripts' digits and "NAN" as numbers; a table does not.
    if not written.isascii() or "_" in written or "n" in written or "N" in written:
        return None
    try:
        return [math.nan if cell in MISSING else float(cell) for cell in cells]
    except ValueError:
        return None


def to_float32(values: Sequence[float | None]) -> NDArray[np.float32]:
    """Return numbers or booleans as float32, NaN where missing; too large a number is infinite."""
    doubles = np.array([math.nan if v is None else float(v) for v in values], dtype=np.float64)
    with np.errstate(over="ignore"):
        return doubles.astype(np.float32)
