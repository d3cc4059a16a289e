"""Entries: answered requests as they stand in a segment, their rows in columns of bytes."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from monitoring.subject import Answering, Selection, Subject
from tables.rows import Decoded, Unseen

# Words and texts are cut here.
LONGEST_WORD = 256
LONGEST_TEXT = 8192
MICROSECONDS = 1_000_000
# About the bytes that a request takes beside its rows: its id, and its numbers.
OF_A_REQUEST = 160


class Answered(NamedTuple):
    """A request that was answered.

    `moment` is when, in seconds since 1970, `seconds` how long it took, and `size` that of
    its body, in bytes.
    """

    answering: Answering
    decoded: Decoded
    prediction: Any
    id: str
    moment: float
    seconds: float
    route: str
    size: int


class Shadowed(msgspec.Struct, frozen=True, array_like=True):
    """What another version answered to the same rows: `outputs` and `winners` as in Rows."""

    version: str
    outputs: bytes
    winners: bytes


class Rows(msgspec.Struct, frozen=True, tag="rows", array_like=True):
    """Requests of one subject, and their rows.

    A request: `ids`, and as bytes of arrays `[requests]` its number of rows (int32), `moments`
    (int64), `latencies` in microseconds (int32), and which of the `routes` it took (uint16).
    A row: `matrix` (float32 `[n, m]`), `outputs` (float32 `[n, width]`, or float64 of
    quantities), `winners` (uint16; none of quantities), `texts` by column. `unseen` are
    (row, column, word) of the words that no code stands for; `indices` are those of requests
    of which some rows were refused, by the request's place in `ids`. `shadow` is what the
    challenger answered, if it did.
    """

    subject: int
    ids: list[str]
    sizes: bytes
    moments: bytes
    latencies: bytes
    routes: list[str]
    took: bytes
    matrix: bytes
    outputs: bytes
    winners: bytes
    unseen: list[tuple[int, int, str]]
    texts: list[list[str]]
    indices: dict[int, list[int]]
    shadow: Shadowed | None = None


Entry = Subject | Rows
encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Entry).decode


class Portion:
    """Requests that one live model answered, gathered in bytes as they come.

    What answered them is let go of at once: what is held waits in memory that the next request
    could have had. `rows` is how many there are, and `weight` about how many bytes they take.
    """

    def __init__(self, answering: Answering, selection: Selection) -> None:
        self.answering = answering
        self.selection = selection
        self.rows = 0
        self.weight = 0
        self._gather = answering.task.gather
        self._ids: list[str] = []
        self._sizes, self._took = array("i"), array("H")
        self._moments, self._seconds = array("d"), array("d")
        self._routes: dict[str, int] = {}
        self._matrix = bytearray()
        self._outputs, self._winners = array("d"), array("H")
        self._unseen: list[tuple[int, int, str]] = []
        self._texts: list[list[str]] = [[] for _ in selection.texts]
        self._indices: dict[int, list[int]] = {}

    def add(self, answered: Answered) -> int:
        """Add a request, and return about how many bytes that takes."""
        _, decoded, prediction, name, moment, seconds, route, _ = answered
        matrix = decoded.batch.matrix
        written = matrix.tobytes()
        weight = OF_A_REQUEST + len(written)
        self._gather(prediction, self._outputs, self._winners)
        if decoded.unseen or self._texts or isinstance(decoded.indices, list):
            weight += self._add_words(decoded)
        self._ids.append(name)
        self._sizes.append(len(matrix))
        self._moments.append(moment)
        self._seconds.append(seconds)
        self._took.append(self._routes.setdefault(route, len(self._routes)))
        self._matrix += written
        self.rows += len(matrix)
        self.weight += weight
        return weight

    def _add_words(self, decoded: Decoded) -> int:
        if isinstance(decoded.indices, list):
            self._indices[len(self._ids)] = decoded.indices
        unseen = _unseen(self.selection, decoded.unseen, self.rows)
        self._unseen += unseen
        weight = sum(len(word) for _, _, word in unseen)
        for kept, index in zip(self._texts, self.selection.texts, strict=True):
            texts = _texts(self.selection, decoded.batch.texts[index], index)
            kept += texts
            weight += sum(map(len, texts))
        return weight

    def entry(self, shadow: Shadowed | None = None) -> Rows:
        """Return what is kept of them, and of what a challenger answered."""
        outputs, has_classes = np.frombuffer(self._outputs), len(self._winners) > 0
        return Rows(
            self.selection.subject.number,
            self._ids,
            self._sizes.tobytes(),
            (np.frombuffer(self._moments) * MICROSECONDS).astype(np.int64).tobytes(),
            (np.frombuffer(self._seconds) * MICROSECONDS).astype(np.int32).tobytes(),
            [*self._routes],
            self._took.tobytes(),
            self._kept_matrix(),
            outputs.astype(np.float32 if has_classes else np.float64).tobytes(),
            self._winners.tobytes(),
            self._unseen,
            self._texts,
            self._indices,
            shadow,
        )

    def _kept_matrix(self) -> bytes:
        columns = self.selection.columns
        if columns is None or not self.rows:
            return bytes(self._matrix)
        matrix = np.frombuffer(self._matrix, np.float32).reshape(self.rows, -1)
        return matrix[:, columns].tobytes()


def rows_of(
    selection: Selection, answered: Sequence[Answered], shadow: Shadowed | None = None
) -> Rows:
    """Return what is kept of requests that one live model answered, and a challenger too."""
    portion = Portion(answered[0].answering, selection)
    for each in answered:
        portion.add(each)
    return portion.entry(shadow)


def _unseen(selection: Selection, unseen: Unseen, start: int) -> list[tuple[int, int, str]]:
    found = []
    for row, column, word in unseen:
        index = selection.index_of.get(column)
        if index is not None:
            hashed = column in selection.hashed
            kept = selection.digest(word) if hashed else _whole(word[:LONGEST_WORD])
            found.append((start + row, index, kept))
    return found


def _texts(selection: Selection, texts: Sequence[str], index: int) -> list[str]:
    if index in selection.hashed_texts:
        return [*map(selection.digest, texts)]
    return [_whole(text[:LONGEST_TEXT]) for text in texts]


def _whole(text: str) -> str:
    """Return a text that can be written as UTF-8."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
