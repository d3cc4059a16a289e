"""Tallies: what the cells of a column say, as counts of parts of a table that can be added up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tables import arrays
from tables.cells import ALWAYS_MISSING, MISSING_IN_NUMBERS
from tables.dates import take_apart
from tables.distinct import Distinct, distinct
from tables.numbers import parts_of
from tables.texts import Texts

# Of more different texts than these a tally keeps none.
MOST_WORDS = 20_000
# So many cells say what a chunk of a column is made of, and whether it has few different texts.
LOOKED_AT, HEAD = 200, 5_000
# Numbers of fewer different values may be codes among words.
FEW_NUMBERS = 20
# Where so large a share of the first cells differ, there are too many different ones.
MANY_NUMBERS, MANY_WORDS = 0.2, 0.6


@dataclass(frozen=True)
class Numbers:
    """Of cells that are all plain numbers: the range, and whether all are whole."""

    low: float
    high: float
    whole: bool


class Made(NamedTuple):
    """The first part in which a column's cells are mostly of one kind, and in how many chunks."""

    part: int
    chunks: int = 1


@dataclass(frozen=True)
class Tally:
    """What so many cells say; those `absent` have nothing in them.

    `words` are their different texts with how often each stands, None where there are too many;
    `numbers` is None where not all are plain numbers. `made_of` says of numbers, dates and
    words which part first had mostly these, and how many chunks do.
    """

    rows: int = 0
    absent: int = 0
    words: Mapping[str, int] | None = field(default_factory=dict)
    numbers: Numbers | None = None
    made_of: Mapping[str, Made] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether no cell has a value."""
        return self.absent == self.rows

    def distinct(self) -> Distinct | None:
        """Return the different texts, a row for each and one more if some are absent."""
        if self.words is None:
            return None
        codes = np.arange(len(self.words), dtype=np.intp)
        codes = np.append(codes, -1) if self.absent else codes
        return Distinct(list(self.words), list(self.words.values()), codes)


def tally(cells: Texts, part: int) -> Tally:
    """Return the tally of a chunk of a column that stands in a part."""
    found = arrays.read_numbers(cells)
    words = None if _many(cells, found is not None) else _counted(cells)
    kept = words if words is None or len(words) <= MOST_WORDS else None
    if found is None:
        absent = len(cells) - (_filled(cells) if words is None else sum(words.values()))
        made_of = _made_of(cells)
        return Tally(len(cells), absent, kept, None, {made_of: Made(part)} if made_of else {})
    present = found.values[found.there]
    whole = found.values.dtype == np.int64
    numbers = Numbers(float(present.min()), float(present.max()), whole)
    few = words is not None and len(words) <= FEW_NUMBERS
    made = {} if few else {"numbers": Made(part)}
    return Tally(len(cells), len(cells) - len(present), kept, numbers, made)


def added(one: Tally, other: Tally) -> Tally:
    """Return the tally of the cells of both."""
    words: dict[str, int] | None = None
    if one.words is not None and other.words is not None:
        words = dict(one.words)
        for word, count in other.words.items():
            words[word] = words.get(word, 0) + count
        words = words if len(words) <= MOST_WORDS else None
    made_of = dict(one.made_of)
    for what, made in other.made_of.items():
        known = made_of.get(what, Made(made.part, 0))
        made_of[what] = Made(min(made.part, known.part), made.chunks + known.chunks)
    rows, absent = one.rows + other.rows, one.absent + other.absent
    return Tally(rows, absent, words, _joined(one, other), made_of)


def _joined(one: Tally, other: Tally) -> Numbers | None:
    if one.is_empty or other.is_empty:
        return other.numbers if one.is_empty else one.numbers
    if one.numbers is None or other.numbers is None:
        return None
    a, b = one.numbers, other.numbers
    return Numbers(min(a.low, b.low), max(a.high, b.high), a.whole and b.whole)


def _many(cells: Texts, numbers: bool) -> bool:
    """Tell whether the first cells are so many different ones that none needs to be counted."""
    import pyarrow.compute as pc

    head = cells.array[:HEAD]
    share = MANY_NUMBERS if numbers else MANY_WORDS
    return bool(pc.count_distinct(head).as_py() > max(LOOKED_AT, share * len(head)))


def _counted(cells: Texts) -> dict[str, int]:
    return dict(distinct(cells).without(ALWAYS_MISSING).by_word)


def _filled(cells: Texts) -> int:
    return len(cells) - int(cells.array.null_count)


def _made_of(cells: Texts) -> str | None:
    """Return what most of the first cells are that have a value, None where none has one."""
    head = cells.array.drop_null()[:LOOKED_AT].to_pylist()
    words = [word for word in map(str.strip, head) if word.lower() not in MISSING_IN_NUMBERS]
    if not words:
        return None
    if 2 * sum(parts_of(word) is not None for word in words) > len(words):
        return "numbers" if len(set(words)) > FEW_NUMBERS else None
    return (
        "dates" if 2 * sum(take_apart(word) is not None for word in words) > len(words) else "words"
    )
