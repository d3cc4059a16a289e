"""A plan: how many rows are held in memory, held out, and learnt at once, by the memory there is.

All shares are of rows drawn by a hash of what stands in them: copies of a row go the same way,
and the same rows go the same way on any machine, in whatever parts they come.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

# Of a small table so much is held out, and so much of the rest judges how long a forest learns.
HELD, TUNED = 0.2, 0.2
# Of more rows than these none needs to be held out, nor to be seen by a linear term: the standard
# error of a log loss on so many is some 0.2 % of it.
MOST_ROWS, FEWEST_ROWS = 100_000, 10_000
# Bytes that a row in memory takes beside its cells while it is prepared, answered and judged.
CELL_BYTES, ROW_BYTES = 24, 200
# A forest learns from no more rows at once: the next tree is hardly better by more, and slower.
MOST_AT_ONCE = 250_000
# Bytes that LightGBM keeps of a row beside its bins: label, score, gradients, indices.
LEARNT_BYTES = 48
# The parts of the memory that rows in memory, and rows that a forest learns at once, may take.
IN_MEMORY, AT_ONCE = 3, 3


class Plan(NamedTuple):
    """The shares of the rows held out, of the rest that judge, and of those a sample is made of.

    Rows to learn from, or the share of them that is `kept`, are dealt to so many `blocks`, of
    which one is in memory at a time.
    """

    held: float
    tuned: float
    sampled: float
    blocks: int
    kept: float = 1.0


def rows_in_memory(columns: int, memory: int) -> int:
    """Return of how many rows one of the tables in memory may be."""
    rows = memory // IN_MEMORY // (CELL_BYTES * columns + ROW_BYTES)
    return max(FEWEST_ROWS, min(MOST_ROWS, rows))


def plan_of(rows: int, columns: int, memory: int) -> Plan:
    """Return the plan for so many rows of a matrix, by the bytes of memory there are."""
    most = rows_in_memory(columns, memory)
    held = min(HELD, most / rows)
    tuned = min(TUNED, most / 2 / rows)
    learnt = rows * (1 - held) * (1 - tuned)
    at_once = max(FEWEST_ROWS, memory // AT_ONCE // (columns + LEARNT_BYTES))
    blocks = max(1, ceil(learnt / min(MOST_AT_ONCE, at_once)))
    return Plan(held, tuned, min(1.0, most / learnt), blocks)


def cluster_plan(rows: int, columns: int, memory: int, workers: int) -> Plan:
    """Return the plan for rows that workers hold, who have so many bytes together.

    LightGBM has their rows thrice: as they came, in one piece, and in bins.
    """
    alone = plan_of(rows, columns, memory)
    learnt = rows * (1 - alone.held) * (1 - alone.tuned)
    held = workers // AT_ONCE // (9 * columns + LEARNT_BYTES)
    kept = min(1.0, max(FEWEST_ROWS, held) / learnt)
    return alone._replace(blocks=1, kept=kept, sampled=min(1.0, alone.sampled / kept))
