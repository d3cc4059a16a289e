"""Sides: where each row of a part goes, by a hash of what stands in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import DatasetError
from learning.beyond.plan import Plan
from tables.batch import Batch
from tables.column import as_texts
from tables.dataset import encode_feature
from tables.distinct import distinct
from tables.readers.partitions import Partition, read_chunks
from tables.row_digests import Digests, mixed, row_digests, text_digests
from tables.schema import Schema
from tables.survey import numbered
from tables.surveyed_schema import Labels
from tables.table import Table

HELD, TUNED, LEARNT = 0, 1, 2
# Each use of a digest mixes it with a number of its own, so that they know nothing of each other.
SIDE, SAMPLE, BLOCK, KEEP = 1, 2, 3, 4


class Encoded(NamedTuple):
    """Encoded rows with the target's value and the digest of each."""

    batch: Batch
    values: NDArray[Any]
    digests: Digests

    def take(self, rows: NDArray[np.intp]) -> Encoded:
        """Return some of the rows."""
        texts = tuple([column[i] for i in rows.tolist()] for column in self.batch.texts)
        return Encoded(Batch(self.batch.matrix[rows], texts), self.values[rows], self.digests[rows])


@dataclass(frozen=True)
class Reading:
    """How parts are read, and where their rows go; it is sent to the workers of a cluster.

    Rows of one value in the column `group` go the same way, without one equal rows do, or each
    as chance says (`by_row`).
    """

    schema: Schema
    labels: Labels
    plan: Plan
    seed: int
    missing: tuple[str, ...] = ()
    group: str | None = None
    by_row: bool = False


class Sided(NamedTuple):
    """The rows of a chunk by side; of those to learn from also the sample, and each one's block."""

    held: Encoded
    tuned: Encoded
    learnt: Encoded
    sampled: Encoded
    blocks: NDArray[np.intp]


def read_sides(partition: Partition, reading: Reading) -> Iterator[Sided]:
    """Yield the rows of a partition, a chunk at a time. Raises DatasetError, naming the part."""
    for rows in read_chunks(partition):
        chunk = replace(rows, missing=reading.missing).emptied()
        try:
            found, known = _encoded(chunk, reading)
            ties = found.digests
            if reading.group is not None:
                ties = _grouped(chunk.columns[reading.group], known, ties)
            elif reading.by_row:
                ties = mixed(numbered(partition.number, np.asarray(chunk.indices)[known]))
        except DatasetError as error:
            raise DatasetError(f"{partition.name}: {error}") from None
        yield _sided(found, ties, reading)


def encoded_rows(table: Table, reading: Reading) -> Encoded:
    """Return the rows of a table that have a label. Raises DatasetError."""
    return _encoded(table, reading)[0]


def joined(parts: Iterable[Encoded], schema: Schema) -> Encoded:
    """Return the rows of several as one."""
    given = list(parts)
    if not given:
        batch = Batch(
            np.empty((0, len(schema.numeric)), np.float32), tuple([] for _ in schema.texts)
        )
        return Encoded(batch, np.empty(0, np.intp), np.empty(0, np.uint64))
    texts = zip(*(one.batch.texts for one in given), strict=True)
    batch = Batch(
        np.concatenate([one.batch.matrix for one in given]),
        tuple([text for column in columns for text in column] for columns in texts),
    )
    values = np.concatenate([one.values for one in given])
    return Encoded(batch, values, np.concatenate([one.digests for one in given]))


def _encoded(chunk: Table, reading: Reading) -> tuple[Encoded, NDArray[np.intp]]:
    """Return the rows that have a label, and their indices."""
    values, known = reading.labels.read(chunk)
    rows = np.flatnonzero(known)
    table = chunk if len(rows) == len(chunk) else chunk.take(rows)
    batch = _batch(table, reading.schema)
    return Encoded(batch, values[rows], row_digests(batch)), rows


def _batch(table: Table, schema: Schema) -> Batch:
    matrix = np.empty((len(table), len(schema.numeric)), dtype=np.float32)
    for feature, where in zip(schema.values, schema.slices, strict=True):
        found = encode_feature(table, schema, feature)
        if np.isinf(found).any():
            raise DatasetError(f"column {feature.name}: a number is too large for 32 bits")
        matrix[:, where] = found
    texts = (table.columns[feature.name] for feature in schema.texts)
    return Batch(matrix, tuple(as_texts(list(column)) for column in texts))


def _grouped(cells: Sequence[Any], rows: NDArray[np.intp], digests: Digests) -> Digests:
    """Return the digests of a column's words; a row without one is a group of its own."""
    words = distinct(cells)
    by_word, codes = np.append(text_digests(words.words), np.uint64(0)), words.codes[rows]
    return np.asarray(np.where(codes >= 0, by_word[codes], digests))


def _sided(encoded: Encoded, ties: Digests, reading: Reading) -> Sided:
    plan, seed = reading.plan, reading.seed
    drawn = _chances(ties, seed, SIDE)
    judging = plan.held + (1 - plan.held) * plan.tuned
    held, learnt = drawn < plan.held, drawn >= judging
    judges = ~held & ~learnt
    if plan.kept < 1.0:
        learnt &= _chances(ties, seed, KEEP) < plan.kept
    sampled = learnt & (_chances(ties, seed, SAMPLE) < plan.sampled)
    found = [np.flatnonzero(side) for side in (held, judges, learnt, sampled)]
    blocks = (_chances(ties[found[2]], seed, BLOCK) * plan.blocks).astype(np.intp)
    one, two, three, four = map(encoded.take, found)
    return Sided(one, two, three, four, blocks)


def _chances(digests: Digests, seed: int, use: int) -> NDArray[np.float64]:
    """Return a number from 0 up to 1 for each digest, for a use of its own."""
    salt = mixed(np.array([seed * 8 + use], dtype=np.uint64))
    return mixed(digests ^ salt) / np.float64(2**64)
