"""How numbers are written for people: the signs before a fraction and between thousands."""

from __future__ import annotations

from collections.abc import Mapping

# The sign before a fraction, and that between thousands, by language.
MARKS: Mapping[str, tuple[str, str]] = {"en": (".", ","), "pt": (",", ".")}
# A smaller whole number is written without marks: it may be a year.
FEWEST_GROUPED = 10_000


def marks(language: str, minus: str = "-") -> dict[int, str]:
    """Return what turns a number as Python writes it into one as a language does."""
    decimal, group = MARKS[language]
    return str.maketrans({".": decimal, ",": group, "-": minus})


def written(value: float, digits: int = 4) -> str:
    """Return a number with so many significant digits, whole numbers with all of theirs.

    It is written as Python writes it, with a comma between thousands.
    """
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if isinstance(value, int) or (value == int(value) and abs(value) < 1e15):
        return f"{int(value):,}" if abs(value) >= FEWEST_GROUPED else str(int(value))
    size = abs(value)
    if size >= 1e15 or size < 1e-5:
        return f"{value:.{digits - 1}e}"
    whole = len(str(int(size))) if size >= 1 else -_zeros(size)
    places = max(0, digits - whole)
    found = f"{value:,.{places}f}"
    return found.rstrip("0").rstrip(".") if places else found


def _zeros(size: float) -> int:
    """Return how many zeros follow the point of a number below 1."""
    zeros = 0
    while size * 10 ** (zeros + 1) < 1:
        zeros += 1
    return zeros
