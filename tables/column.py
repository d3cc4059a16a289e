"""A column read once: what its cells say, what kind of feature they make, and their values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import DatasetError
from tables.cells import Cells, fits, kind_of, mostly_numbers, read_value, to_float32
from tables.schema import UNKNOWN, Feature, Kind

# A category of more values than this is flagged.
MANY_CATEGORIES = 100
# In fewer rows than this, values that all differ mean nothing.
FEW_ROWS = 10
# A table's own texts may be private, and the example is shown to everybody.
TEXT_EXAMPLE = "some words"

Values = NDArray[np.float32] | list[str]


class Distinct(NamedTuple):
    """A column by its different texts.

    `words` are the texts, `counts` how often each stands, and `codes` the index
    of each row's text in them, -1 where there is none.
    """

    words: list[str]
    counts: list[int]
    codes: NDArray[np.intp]

    @property
    def by_word(self) -> dict[str, int]:
        """How often each text stands."""
        return dict(zip(self.words, self.counts, strict=True))

    def first(self, words: Iterable[str]) -> int:
        """Return the first row that has one of these texts."""
        chosen = set(words)
        indices = [index for index, word in enumerate(self.words) if word in chosen]
        return int(np.isin(self.codes, indices).argmax())

    def spread(self, values: NDArray[Any], missing: Any) -> NDArray[Any]:
        """Return each row's value, of the value of each text."""
        return np.append(values, np.array([missing], dtype=values.dtype))[self.codes]


class Column(NamedTuple):
    """What a column becomes: a feature and its values, or neither, and what its owner should know.

    `values` are float32 codes of all kinds but text, missing NaN, and texts otherwise.
    """

    feature: Feature | None
    values: Values
    notes: tuple[str, ...] = ()


def distinct(cells: Cells) -> Distinct:
    """Return a column's different texts without surrounding spaces."""
    index: dict[str | None, int] = {None: -1}
    raw = [index.setdefault(cell, len(index) - 1) for cell in cells]
    del index[None]
    words: dict[str, int] = {}
    merged = [words.setdefault(word.strip(), len(words)) for word in index if word is not None]
    codes = np.array([*merged, -1], dtype=np.intp)[raw]
    counts = np.bincount(codes[codes >= 0], minlength=len(words)).tolist()
    return Distinct(list(words), counts, codes)


def read_column(
    name: str,
    cells: Cells,
    where: Callable[[int], str],
    kind: Kind | None = None,
    aliases: Mapping[str, str] | None = None,
) -> Column:
    """Read a column: infer its feature from all cells, and encode them.

    `kind` says what kind it is, in place of what the cells say, `aliases` which
    further values mean a category, and `where` where a row stands. Raises
    DatasetError, naming column and row, for a cell that does not go with the others.
    """
    texts = distinct(cells)
    if not texts.words:
        return _left_out(name, "has no value in any row")
    found = kind or kind_of(texts.by_word)
    if found is None:
        return _left_out(name, "holds dates, which no kind of feature reads")
    _check_words(name, texts, found, where, resolved=kind is not None)
    if kind is None and _is_identifier(found, texts):
        return _left_out(name, "looks like an identifier: a different value in every row")
    if found == "text":
        return _text(name, cells)
    return _coded(name, texts, found, aliases or {}, where)


def _left_out(name: str, why: str) -> Column:
    return Column(None, [], (f"{name} {why}; it is left out",))


def _check_words(
    name: str, texts: Distinct, kind: Kind, where: Callable[[int], str], resolved: bool
) -> None:
    strangers = [word for word in texts.words if not fits(word, kind)]
    if strangers:
        row = where(texts.first(strangers))
        raise DatasetError(f"column {name}, {row}: not of kind {kind}")
    if not resolved and kind in ("category", "text") and mostly_numbers(texts.by_word):
        row = where(texts.first(word for word in texts.words if not fits(word, "number")))
        raise DatasetError(
            f"column {name}, {row}: not a number, as nearly all of the column is; "
            "correct it or leave it empty"
        )


def _is_identifier(kind: Kind, texts: Distinct) -> bool:
    total = sum(texts.counts)
    return kind == "category" and len(texts.words) == total >= FEW_ROWS


def _text(name: str, cells: Cells) -> Column:
    values = [cell or "" for cell in cells]
    if len({cell for cell in cells if cell is not None}) == 1:
        return _left_out(name, "has the same value wherever it has one")
    nullable = any(cell is None for cell in cells)
    return Column(Feature(name, "text", nullable, example=TEXT_EXAMPLE), values)


def _coded(
    name: str,
    texts: Distinct,
    kind: Kind,
    aliases: Mapping[str, str],
    where: Callable[[int], str],
) -> Column:
    read = [read_value(aliases.get(word, word), kind) for word in texts.words]
    counts: Counter[Any] = Counter()
    for value, count in zip(read, texts.counts, strict=True):
        counts[value] += count
    if len(counts) == 1:
        return _left_out(name, "has the same value wherever it has one")
    facts = _FACTS[kind](counts)
    known = {a: c for a, c in aliases.items() if c in facts.get("categories", ())}
    nullable = bool((texts.codes < 0).any())
    feature = Feature(name, kind, nullable, aliases=known, **facts)
    codes = _codes(feature, read)
    if np.isinf(codes).any():
        row = where(int(np.isinf(texts.spread(codes, math.nan)).argmax()))
        raise DatasetError(f"column {name}, {row}: the number is too large for 32 bits")
    return Column(feature, texts.spread(codes, math.nan), _flags(name, kind, texts))


def _codes(feature: Feature, values: list[Any]) -> NDArray[np.float32]:
    if feature.kind != "category":
        return to_float32(values)
    codes = {category: float(index) for index, category in enumerate(feature.categories)}
    codes |= {alias: codes[category] for alias, category in feature.aliases.items()}
    return to_float32([codes.get(value, UNKNOWN) for value in values])


def encode_column(feature: Feature, cells: Cells) -> Values:
    """Encode cells as the values of a feature that is known. Raises ValueError."""
    if feature.kind == "text":
        return [cell or "" for cell in cells]
    texts = distinct(cells)
    values = [read_value(word, feature.kind) for word in texts.words]
    return texts.spread(_codes(feature, values), math.nan)


def _flags(name: str, kind: Kind, texts: Distinct) -> tuple[str, ...]:
    different, total = len(texts.words), sum(texts.counts)
    if kind == "integer" and different == total >= FEW_ROWS:
        return (
            f"{name} looks like an identifier: a different integer in every row; "
            "it is kept, leave it out of the table if it is one",
        )
    if kind == "category" and different > min(MANY_CATEGORIES, total / 2):
        return (f"{name} has {different} categories in {total} rows",)
    return ()


def _range(counts: Counter[Any]) -> dict[str, Any]:
    ordered = sorted(counts)
    ends = np.cumsum([counts[value] for value in ordered])
    median = ordered[int(np.searchsorted(ends, (ends[-1] - 1) // 2, side="right"))]
    return {"minimum": float(ordered[0]), "maximum": float(ordered[-1]), "example": median}


def _commonest(counts: Counter[Any]) -> dict[str, Any]:
    return {"example": min(counts, key=lambda value: (-counts[value], value))}


def _categories(counts: Counter[Any]) -> dict[str, Any]:
    return {"categories": tuple(sorted(counts)), **_commonest(counts)}


_FACTS: dict[str, Callable[[Counter[Any]], dict[str, Any]]] = {
    "number": _range,
    "integer": _range,
    "boolean": _commonest,
    "category": _categories,
}
