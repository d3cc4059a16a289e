"""Entries: answered requests as they stand in a segment, their rows in columns of bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitoring.subject import Answering, Selection, Subject
from tables.batch import Matrix
from tables.rows import Decoded

# Words and texts are cut here.
LONGEST_WORD = 256
LONGEST_TEXT = 8192
MICROSECONDS = 1_000_000


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


def rows_of(
    selection: Selection, answered: Sequence[Answered], shadow: Shadowed | None = None
) -> Rows:
    """Return what is kept of requests that one live model answered, and a challenger too."""
    answering, decoded, predictions, ids, moments, seconds, took, _ = zip(*answered, strict=True)
    matrices = [each.batch.matrix for each in decoded]
    sizes = np.array([*map(len, matrices)], np.int32)
    outputs, winners = answering[0].task.served(predictions)
    routes = list(dict.fromkeys(took))
    return Rows(
        selection.subject.number,
        list(ids),
        sizes.tobytes(),
        (np.array(moments) * MICROSECONDS).astype(np.int64).tobytes(),
        (np.array(seconds) * MICROSECONDS).astype(np.int32).tobytes(),
        routes,
        np.array([routes.index(route) for route in took], np.uint16).tobytes(),
        _bytes_of(matrices, selection.columns),
        outputs.astype(np.float32 if winners is not None else np.float64).tobytes(),
        b"" if winners is None else np.array(winners, np.uint16).tobytes(),
        _unseen(selection, decoded, sizes),
        [_texts(selection, decoded, index) for index in selection.texts],
        {i: list(d.indices) for i, d in enumerate(decoded) if isinstance(d.indices, list)},
        shadow,
    )


def _bytes_of(matrices: list[Matrix], columns: NDArray[np.intp] | None) -> bytes:
    if columns is None and all(matrix.flags.c_contiguous for matrix in matrices):
        return b"".join(cast("list[bytes]", matrices))
    matrix = np.concatenate(matrices)
    return (matrix if columns is None else matrix[:, columns]).tobytes()


def _unseen(
    selection: Selection, decoded: Sequence[Decoded], sizes: NDArray[np.int32]
) -> list[tuple[int, int, str]]:
    if not any(each.unseen for each in decoded):
        return []
    found = []
    starts = np.cumsum(sizes) - sizes
    for each, start in zip(decoded, starts.tolist(), strict=True):
        for row, column, word in each.unseen:
            index = selection.index_of.get(column)
            if index is not None:
                hashed = column in selection.hashed
                kept = selection.digest(word) if hashed else _whole(word[:LONGEST_WORD])
                found.append((start + row, index, kept))
    return found


def _texts(selection: Selection, decoded: Sequence[Decoded], index: int) -> list[str]:
    texts = (text for each in decoded for text in each.batch.texts[index])
    if index in selection.hashed_texts:
        return [*map(selection.digest, texts)]
    return [_whole(text[:LONGEST_TEXT]) for text in texts]


def _whole(text: str) -> str:
    """Return a text that can be written as UTF-8."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
