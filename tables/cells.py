"""One column of a table: what kind of values it holds, and how they are read.

A column's cells are texts, as a CSV file has them, and None where a value is
missing; values that a loader made in Python are spelt as a CSV file would.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
_DATES = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    r"|[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}"
    r"|[0-9]{1,2}([/.-])[0-9]{1,2}\1(?:[0-9]{4}|[0-9]{2})"
    r"|[0-9]{1,2}[- ][A-Za-z]{3}[- ](?:[0-9]{4}|[0-9]{2})"
    r"|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?"
)


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


def kind_of(cells: Cells) -> Kind | None:
    """Return the kind of the narrowest reading that fits every value; None for dates.

    No kind reads a date: as a category it would be one never seen for every row
    to come. `cells` are stripped, with at least one value.
    """
    counts = Counter(cell for cell in cells if cell is not None)
    if all(word.lower() in BOOLEAN_WORDS for word in counts):
        return "boolean"
    if all(map(_INTEGER.fullmatch, counts)) and not any(map(_CODE.fullmatch, counts)):
        return "integer"
    if all(map(_NUMBER.fullmatch, counts)) and not any(map(_CODE.fullmatch, counts)):
        return "number"
    if all(map(_DATES.fullmatch, counts)):
        return None
    return "text" if _is_text(counts) else "category"


def _is_text(counts: Counter[str]) -> bool:
    total = counts.total()
    words = sum(len(text.split()) * count for text, count in counts.items()) / total
    return len(counts) > MOST_CATEGORIES or (len(counts) > total / 2 and words >= TEXT_WORDS)


def is_number(text: str) -> bool:
    """Whether a text is a number, also an infinite one."""
    return _NUMBER.fullmatch(text.strip()) is not None


def first_not_of(cells: Cells, kind: Kind) -> int | None:
    """Return the place of the first value that cannot be read as a kind."""
    fits = _FITS.get(kind)
    if fits is None:
        return None
    return next((i for i, cell in enumerate(cells) if cell is not None and not fits(cell)), None)


_FITS: dict[str, Callable[[str], object]] = {
    "number": _NUMBER.fullmatch,
    "integer": _INTEGER.fullmatch,
    "boolean": lambda text: text.lower() in BOOLEAN_WORDS,
}


def first_not_a_number(cells: Cells) -> int | None:
    """Return the place of the first value that is no number, in a column nearly full of numbers."""
    counts = Counter(cell for cell in cells if cell is not None)
    numbers = [text for text in counts if _NUMBER.fullmatch(text)]
    share = sum(counts[text] for text in numbers) / counts.total()
    if len(numbers) < MANY or len(numbers) == len(counts) or share < MOSTLY:
        return None
    return first_not_of(cells, "number")


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


def read_values(cells: Cells, kind: Kind) -> list[Any]:
    """Return the cells as values of a kind, None where missing.

    Raises ValueError for a cell that is not of that kind.
    """
    read = _READERS[kind]
    return [None if cell is None else read(cell) for cell in cells]


def to_float32(values: Sequence[float | None]) -> NDArray[np.float32]:
    """Return numbers or booleans as float32, NaN where missing; too large a number is infinite."""
    doubles = np.array([math.nan if v is None else float(v) for v in values], dtype=np.float64)
    with np.errstate(over="ignore"):
        return doubles.astype(np.float32)
