"""One column of a table: what kind of values it holds, and how they are read.

A column's cells are texts, as a CSV file has them, and None where a value is
missing; values that a loader made in Python are spelt as a CSV file would.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tables.dates import is_date
from tables.numbers import (
    PLAIN_NUMBERS,
    NumberFormat,
    is_code,
    is_number,
    is_plain_integer,
    read_number,
)
from tables.scripts import have_many_words, share_words

if TYPE_CHECKING:
    from tables.schema import Kind

Cells = Sequence[str | None]

# What tables write where there is no value. "None" and "none" are not among
# them: in a category they say that there is none of something, which is a value.
MISSING = frozenset({"", "?", "NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "NULL", "null"})
# Of these, what may be a word too: a country, or what does not apply.
AMBIGUOUS = frozenset({"NA", "N/A"})
ALWAYS_MISSING = MISSING - AMBIGUOUS
# What they write besides, in any case, where all else in a column is numbers or dates.
_NO_NUMBERS = """
- -- --- – — . .. ... * n.a. n.d. nd n/d none nil unknown unk missing (null) (blank) \\n k.a.
#na #div/0! #value! #ref! #name? #num! #null! -nan -1.#ind 1.#ind -1.#qnan 1.#qnan
"""
MISSING_IN_NUMBERS = frozenset(word.lower() for word in (*MISSING, *_NO_NUMBERS.split())) | {
    "#n/a n/a",
    "no data",
    "not applicable",
    "not available",
    "sem dados",
}

# In this order wherever they are listed.
TRUE_WORDS = ("true", "yes")
BOOLEAN_WORDS = (*TRUE_WORDS, "false", "no")


# Of more categories than these, only the commonest are told apart: one-hot columns
# by the thousand cost more than they tell.
MOST_CATEGORIES = 1000
# Of those, so many at most, in at least so many rows each.
MOST_KEPT, FEWEST_KEPT = 255, 10
# In fewer rows than this, values that all differ mean nothing.
FEW_ROWS = 10
# A column with this share of numbers, in this many different values, was meant to be numbers.
MOSTLY = 0.95
MANY = 20


def spell(value: Any) -> str | None:
    """Return a value as the text that a CSV file has for it, None where there is no value.

    Surrounding spaces are kept, because a text is taken as it is.
    """
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def to_cell(value: Any) -> str | None:
    """Return a value as its text, and None also for a word that means missing."""
    text = spell(value)
    return None if text is None or text.strip() in MISSING else text


def to_cells(values: Iterable[Any]) -> list[str | None]:
    """Return a column's values as cells."""
    return [to_cell(value) for value in values]


def stripped(cells: Cells) -> list[str | None]:
    """Return the cells without surrounding spaces: what every kind but text reads."""
    return [None if cell is None else cell.strip() for cell in cells]


def kind_of(counts: Mapping[str, int]) -> Kind | None:
    """Return the kind of the narrowest reading that fits every value; None for dates.

    How dates are read is decided by the column (`tables.column`). `counts` says
    how often each stripped text stands, of at least one.
    """
    if all(word.lower() in BOOLEAN_WORDS for word in counts):
        return "boolean"
    if all(map(is_number, counts)) and not any(map(is_code, counts)):
        return "integer" if all(map(is_plain_integer, counts)) else "number"
    if all(map(is_date, counts)):
        return None
    return "text" if _is_text(counts) else "category"


def _is_text(counts: Mapping[str, int]) -> bool:
    total = sum(counts.values())
    if len(counts) <= total / 2:
        return False
    once = len(counts) == total >= FEW_ROWS
    rare = len(counts) > MOST_CATEGORIES and max(counts.values()) < FEWEST_KEPT
    return have_many_words(counts) or ((once or rare) and share_words(counts))


def fits(text: str, kind: Kind) -> bool:
    """Whether a stripped text can be read as a kind."""
    fit = _FITS.get(kind)
    return fit is None or fit(text)


_FITS: dict[str, Callable[[str], bool]] = {
    "number": is_number,
    "integer": is_plain_integer,
    "boolean": lambda text: text.lower() in BOOLEAN_WORDS,
}


def mostly_numbers(counts: Mapping[str, int]) -> bool:
    """Whether nearly all cells, but not all, are numbers of many values; `counts` is by text."""
    allowed = (1 - MOSTLY) * sum(counts.values())
    words = others = 0
    for text, count in counts.items():
        if not is_number(text):
            words, others = words + 1, others + count
            if others > allowed:
                return False
    return words > 0 and len(counts) - words >= MANY


def to_boolean(text: str) -> bool:
    """Read true, yes, false, no in any case."""
    return text.lower() in TRUE_WORDS


_READERS: dict[str, Callable[[str], Any]] = {
    "number": float,
    "integer": int,
    "boolean": to_boolean,
    "category": str,
    "date": str,
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


def read_cell(
    cell: str, kind: Kind, missing: Container[str] = MISSING, written: NumberFormat = PLAIN_NUMBERS
) -> Any:
    """Return what a row's cell says: a value of the kind, or None where it is missing.

    A cell that is not of the kind is returned as a text, for a check to name.
    An integer is read as a number, because a row may have 9.0 for it.
    """
    word = cell.strip()
    if word in missing:
        return None
    if kind in ("number", "integer"):
        number = read_number(word, written)
        return word if number is None else number
    if kind == "boolean":
        return to_boolean(word) if fits(word, kind) else word
    return cell if kind == "text" else word


def read_numbers(
    cells: Sequence[str], missing: Container[str] = MISSING, written: NumberFormat = PLAIN_NUMBERS
) -> list[float] | None:
    """Return cells as numbers, NaN where missing, if all of them are so written, or None.

    What it returns is what `read_cell` gives cell by cell, in less time.
    """
    if written == PLAIN_NUMBERS:
        quick = _read_plainly(cells, missing)
        if quick is not None:
            return quick
    read = [read_cell(cell, "number", missing, written) for cell in cells]
    if any(isinstance(value, str) for value in read):
        return None
    return [math.nan if value is None else value for value in read]


def _read_plainly(cells: Sequence[str], missing: Container[str]) -> list[float] | None:
    text = "".join([cell for cell in cells if cell not in missing])
    # Python reads 1_000, other scripts' digits and "NAN" as numbers; a table does not.
    if not text.isascii() or "_" in text or "n" in text or "N" in text:
        return None
    try:
        return [math.nan if cell in missing else float(cell) for cell in cells]
    except ValueError:
        return None


def to_float32(values: Sequence[float | None]) -> NDArray[np.float32]:
    """Return numbers or booleans as float32, NaN where missing; too large a number is infinite."""
    doubles = np.array([math.nan if v is None else float(v) for v in values], dtype=np.float64)
    with np.errstate(over="ignore"):
        return doubles.astype(np.float32)
