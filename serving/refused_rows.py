"""Rows for which a model made elsewhere raises: they are found, named, and left out.

What a model was learnt here never raises; should it, the fault is ours, and is none of a row.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from errors import MiranteError, RowProblem
from serving.champions import Live
from serving.exchange import Exchange
from tables.batch import Batch
from tables.rows import MOST_PROBLEMS, Decoded, Unseen, rejected

log = logging.getLogger("mirante.refused_rows")

EXPECTED = "a row that the model answers"
GOT = "a row for which the model raises an error"
# Calls of the model that the search makes at most: each row by itself would be too many.
MOST_CALLS = 400

Indices = NDArray[np.intp]


def predict_rows(exchange: Exchange) -> None:
    """Predict one exchange, without the rows for which an imported model raises.

    Under `partial` the others are answered. Raises RowsError, naming the rows,
    or whatever the model raised if no row is to blame.
    """
    live, decoded = exchange.live, exchange.decoded
    try:
        exchange.prediction = live.predict(decoded.batch)
    except Exception as error:
        if isinstance(error, MiranteError | MemoryError) or not is_imported(live):
            raise
        log.warning("the model raised %s for a row", type(error).__name__)
        found = list(_refused(live, decoded.batch))
        exchange.decoded = _without(exchange, decoded, found)
        exchange.prediction = live.predict(exchange.decoded.batch)


def is_imported(live: Live) -> bool:
    """Tell whether a model was made elsewhere."""
    return "imported_from" in live.manifest.extra


def _refused(live: Live, batch: Batch) -> Iterator[int]:
    """Yield the indices of the rows for which the model raises, halving what raises."""
    waiting: list[Indices] = [np.arange(len(batch.matrix))]
    for _ in range(MOST_CALLS):
        if not waiting:
            return
        rows = waiting.pop()
        if _answers(live, part(batch, rows)):
            continue
        if len(rows) == 1:
            yield int(rows[0])
            continue
        middle = len(rows) // 2
        # The first half is looked at first.
        waiting += [rows[middle:], rows[:middle]]


def _answers(live: Live, batch: Batch) -> bool:
    try:
        live.predict(batch)
    except Exception:  # whatever a model of others raises
        return False
    return True


def _without(exchange: Exchange, decoded: Decoded, refused: list[int]) -> Decoded:
    """Return the rows that the model answers. Raises RowsError for the others, unless `partial`."""
    problems = [RowProblem(decoded.indices[i], None, EXPECTED, GOT) for i in refused]
    good = np.setdiff1d(np.arange(len(decoded.batch.matrix)), refused)
    if problems and not (exchange.partial and len(good)):
        raise rejected([*decoded.problems, *problems])
    kept = [decoded.indices[i] for i in good]
    at = set(kept)
    listed = sorted([*decoded.problems, *problems], key=lambda fault: fault.row)
    return decoded._replace(
        batch=part(decoded.batch, good),
        indices=kept,
        problems=tuple(listed[:MOST_PROBLEMS]),
        more_problems=decoded.more_problems + len(listed[MOST_PROBLEMS:]),
        unknown=tuple(where for where in decoded.unknown if where[0] in at),
        missing=tuple(where for where in decoded.missing if where[0] in at),
        unseen=_moved(decoded.unseen, good),
    )


def _moved(unseen: Unseen, good: Indices) -> Unseen:
    """Return the words of the rows that are left, where those are now."""
    now = {row: index for index, row in enumerate(good.tolist())}
    return tuple((now[row], column, word) for row, column, word in unseen if row in now)


def part(batch: Batch, rows: Indices) -> Batch:
    """Return some rows of a batch."""
    texts = tuple([column[i] for i in rows] for column in batch.texts)
    return Batch(np.ascontiguousarray(batch.matrix[rows]), texts)
