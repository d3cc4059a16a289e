"""Entries: answered requests as they stand in a segment, their rows in columns of bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitoring.subject import Answering, Selection, Subject
from tables.batch import Batch
from tables.rows import Unseen

# Words and texts are cut here.
LONGEST_WORD = 256
LONGEST_TEXT = 8192
MICROSECONDS = 1_000_000


class Answered(NamedTuple):
    """A request that was answered.

    `moment` is when, in microseconds since 1970, `seconds` how long it took; `indices` say
    where the rows stood in the request.
    """

    answering: Answering
    batch: Batch
    prediction: Any
    unseen: Unseen
    indices: Sequence[int]
    id: str
    moment: int
    seconds: float
    route: str


class Rows(msgspec.Struct, frozen=True, tag="rows", array_like=True):
    """Requests of one subject, and their rows.

    A request: `ids`, and as bytes of arrays `[requests]` its number of rows (int32), `moments`
    (int64), `latencies` in microseconds (int32), and which of the `routes` it took (uint16).
    A row: `matrix` (float32 `[n, m]`), `outputs` (float32 `[n, width]`, or float64 of
    quantities), `winners` (uint16; none of quantities), `texts` by column. `unseen` are
    (row, column, word) of the words that no code stands for; `indices` are those of requests
    of which some rows were refused, by the request's place in `ids`.
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


Entry = Subject | Rows
encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Entry).decode


def rows_of(selection: Selection, answered: Sequence[Answered]) -> Rows:
    """Return what is kept of requests that one live model answered."""
    sizes = np.array([len(each.batch.matrix) for each in answered], np.int32)
    matrix = np.concatenate([each.batch.matrix for each in answered])
    outputs, winners = answered[0].answering.task.served([each.prediction for each in answered])
    routes = list(dict.fromkeys([each.route for each in answered]))
    number = {route: index for index, route in enumerate(routes)}
    return Rows(
        selection.subject.number,
        [each.id for each in answered],
        sizes.tobytes(),
        np.array([each.moment for each in answered], np.int64).tobytes(),
        np.array([each.seconds * MICROSECONDS for each in answered]).astype(np.int32).tobytes(),
        routes,
        np.array([number[each.route] for each in answered], np.uint16).tobytes(),
        (matrix if selection.columns is None else matrix[:, selection.columns]).tobytes(),
        outputs.astype(np.float32 if winners is not None else np.float64).tobytes(),
        b"" if winners is None else np.asarray(winners, np.uint16).tobytes(),
        _unseen(selection, answered, sizes),
        _texts(selection, answered),
        _indices(answered),
    )


def _unseen(
    selection: Selection, answered: Sequence[Answered], sizes: NDArray[np.int32]
) -> list[tuple[int, int, str]]:
    if not any(each.unseen for each in answered):
        return []
    found = []
    starts = np.cumsum(sizes) - sizes
    for each, start in zip(answered, starts.tolist(), strict=True):
        for row, column, word in each.unseen:
            index = selection.index_of.get(column)
            if index is not None:
                hashed = column in selection.hashed
                kept = selection.digest(word) if hashed else _whole(word[:LONGEST_WORD])
                found.append((start + row, index, kept))
    return found


def _texts(selection: Selection, answered: Sequence[Answered]) -> list[list[str]]:
    found = []
    for index in selection.texts:
        texts = [text for each in answered for text in each.batch.texts[index]]
        hashed = index in selection.hashed_texts
        keep = selection.digest if hashed else lambda text: _whole(text[:LONGEST_TEXT])
        found.append([keep(text) for text in texts])
    return found


def _indices(answered: Sequence[Answered]) -> dict[int, list[int]]:
    return {
        place: list(each.indices)
        for place, each in enumerate(answered)
        if isinstance(each.indices, list)
    }


def _whole(text: str) -> str:
    """Return a text that can be written as UTF-8."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
