"""Shadow: a challenger answers what the champion has answered, for the log alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from monitoring.entries import Answered, Shadowed
from monitoring.subject import Answering
from tables.batch import Batch
from tables.rows import Decoded
from tables.schema import Feature, Schema

log = logging.getLogger("mirante.shadow")

ANSWERED, QUEUE_FULL, FAULT = "answered", "queue_full", "fault"

# Called with what became of rows, and how many: "answered", or why they were not.
Count = Callable[[str, int], None]


class Challenger(Answering, Protocol):
    """What a shadow needs of a live model beside what the log does."""

    def predict(self, batch: Batch) -> Any:
        """Return the prediction for encoded rows. Raises ModelFault."""
        ...


class Shadow:
    """Lets the challenger of each model answer; `find` returns it by the model's name.

    `count` is told of every row that has a challenger.
    """

    def __init__(self, find: Callable[[str], Challenger | None], count: Count) -> None:
        self._find = find
        self.count = count
        self._translations: dict[str, Translation] = {}
        self._said = ""

    def challenger(self, answering: Answering) -> Challenger | None:
        """Return who else answers what a live model answers, None where nobody does."""
        found = self._find(answering.name)
        return None if found is None or found.version == answering.version else found

    def answers(self, answering: Answering, requests: Sequence[Answered]) -> Shadowed | None:
        """Return what the challenger answers to requests of one live model, None for nothing.

        It never raises: what the challenger cannot answer is counted, and said once.
        """
        challenger = self.challenger(answering)
        if challenger is None:
            return None
        rows = sum([len(each.decoded.batch.matrix) for each in requests])
        try:
            batch = self._between(answering, challenger).batch([each.decoded for each in requests])
            prediction = challenger.predict(batch)
            outputs, winners = challenger.task.served([prediction])
        except Exception as error:  # whatever it is made of, the champion has answered
            self._say(challenger, error)
            self.count(FAULT, rows)
            return None
        self.count(ANSWERED, rows)
        kind = np.float64 if winners is None else np.float32
        won = b"" if winners is None else np.array(winners, np.uint16).tobytes()
        return Shadowed(challenger.version, outputs.astype(kind).tobytes(), won)

    def _between(self, answering: Answering, challenger: Challenger) -> Translation:
        known = self._translations.get(answering.name)
        if known is None or not known.is_between(answering.schema, challenger.schema):
            known = Translation(answering.schema, challenger.schema)
            self._translations[answering.name] = known
        return known

    def _say(self, challenger: Challenger, error: Exception) -> None:
        line = str(error) if isinstance(error, Untranslatable) else type(error).__name__
        if line != self._said:  # once, not for every request
            self._said = line
            log.warning("%s does not answer as a shadow: %s", challenger.version, line)


class Untranslatable(Exception):
    """The challenger reads what the champion's rows do not have, or predicts something else."""


class Column(NamedTuple):
    """A column of the challenger's matrix: where the champion's is, and its codes by those.

    `codes` are none where the values are the same; the last one is that of a word never seen.
    """

    where: int
    codes: NDArray[np.float32] | None
    feature: Feature


class Translation:
    """Rows that one schema has encoded, as another encodes them. Raises Untranslatable."""

    def __init__(self, before: Schema, after: Schema) -> None:
        self.before, self.after = before, after
        if before.target != after.target:
            raise Untranslatable("it has another label, or other classes")
        there = {column.name: (i, column) for i, column in enumerate(before.numeric)}
        texts = [feature.name for feature in before.texts]
        lacking = [c.name for c in after.numeric if not _fits(c, there.get(c.name))]
        lacking += [f.name for f in after.texts if f.name not in texts]
        if lacking:
            raise Untranslatable(f"the champion reads no {', '.join(lacking)}, or otherwise")
        self._columns = [_column(*there[column.name], column) for column in after.numeric]
        self._texts = [texts.index(feature.name) for feature in after.texts]
        same = before.numeric == after.numeric and len(texts) == len(self._texts)
        self._same = same and self._texts == [*range(len(texts))]

    def is_between(self, before: Schema, after: Schema) -> bool:
        """Tell whether it is of these very schemas."""
        return self.before is before and self.after is after

    def batch(self, decoded: Sequence[Decoded]) -> Batch:
        """Return the rows of several requests in one."""
        parts = [each.batch for each in decoded]
        matrix = np.concatenate([part.matrix for part in parts])
        texts = [list(chain(*lists)) for lists in zip(*(p.texts for p in parts), strict=True)]
        if self._same:
            return Batch(matrix, tuple(texts))
        columns = [_translated(matrix[:, c.where], c.codes) for c in self._columns]
        found = np.stack(columns, axis=1) if columns else np.zeros((len(matrix), 0), np.float32)
        self._put_words(found, decoded)
        return Batch(found, tuple(texts[index] for index in self._texts))

    def _put_words(self, matrix: NDArray[np.float32], decoded: Sequence[Decoded]) -> None:
        """Give words that the champion never saw the codes that the challenger has for them."""
        start = 0
        for each in decoded:
            for row, index, word in each.unseen:
                for own, column in enumerate(self._columns):
                    words = column.feature.categories
                    if column.where == index and word in words:
                        matrix[start + row, own] = words.index(word)
            start += len(each.batch.matrix)


def _fits(column: Feature, there: tuple[int, Feature] | None) -> bool:
    if there is None:
        return False
    return (column.kind == "category") == (there[1].kind == "category")


def _column(index: int, there: Feature, column: Feature) -> Column:
    if column.kind != "category" or _same_codes(there, column):
        return Column(index, None, column)
    known = {word: float(code) for code, word in enumerate(column.categories)}
    codes = [known.get(word, column.fallback) for word in there.categories]
    return Column(index, np.array([*codes, column.fallback], np.float32), column)


def _same_codes(there: Feature, column: Feature) -> bool:
    return (there.categories, there.other) == (column.categories, column.other)


def _translated(
    values: NDArray[np.float32], codes: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    if codes is None:
        return values
    missing = np.isnan(values)
    places = np.where(missing, 0, values).astype(np.intp)
    places[(places < 0) | (places >= len(codes))] = len(codes) - 1
    return np.where(missing, values, codes[places])
