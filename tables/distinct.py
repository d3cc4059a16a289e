"""A column by its different texts, so that a word is read once however often it stands."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tables import arrays
from tables.cells import spell
from tables.texts import Texts


@dataclass(frozen=True)
class Distinct:
    """The different texts of a column.

    `words` are the texts, `counts` how often each stands, and `codes` the index
    of each row's text in them, -1 where there is none.
    """

    words: list[str]
    counts: list[int]
    codes: NDArray[np.intp]

    @cached_property
    def by_word(self) -> dict[str, int]:
        """How often each text stands."""
        return dict(zip(self.words, self.counts, strict=True))

    def first(self, words: Container[str]) -> int:
        """Return the first row that has one of these texts."""
        indices = [index for index, word in enumerate(self.words) if word in words]
        return int(np.isin(self.codes, indices).argmax())

    def without(self, missing: Container[str]) -> Distinct:
        """Return the column in which these texts mean that there is none."""
        kept = [index for index, word in enumerate(self.words) if word not in missing]
        if len(kept) == len(self.words):
            return self
        index = np.full(len(self.words) + 1, -1, dtype=np.intp)
        index[kept] = np.arange(len(kept))
        words = [self.words[i] for i in kept]
        return Distinct(words, [self.counts[i] for i in kept], index[self.codes])

    def spread(self, values: NDArray[Any], missing: Any) -> NDArray[Any]:
        """Return each row's value, of the value of each text."""
        return np.append(values, np.array([missing], dtype=values.dtype))[self.codes]


def distinct(cells: Sequence[Any]) -> Distinct:
    """Return a column's different texts without surrounding spaces."""
    texts, raw = arrays.encode(cells) if isinstance(cells, Texts) else _encode(cells)
    words: dict[str, int] = {}
    merged = [words.setdefault(t, len(words)) if t else -1 for t in map(str.strip, texts)]
    codes = np.array([*merged, -1], dtype=np.intp)[raw]
    counts = np.bincount(codes[codes >= 0], minlength=len(words)).tolist()
    return Distinct(list(words), counts, codes)


def _encode(cells: Iterable[Any]) -> tuple[list[str], NDArray[np.intp]]:
    index: dict[str | None, int] = {None: -1}
    raw = [index.setdefault(spell(cell), len(index) - 1) for cell in cells]
    del index[None]
    return [text for text in index if text is not None], np.array(raw, dtype=np.intp)
