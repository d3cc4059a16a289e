"""The engine that is a cluster: parts are read where there is room, and rows stay there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from learning.beyond.cluster import Cluster
from learning.beyond.cluster_forest import ClusterRows, Rows
from learning.beyond.engine import MOST_SEEN, Gathered, Kept, digest_of
from learning.beyond.plan import Plan, cluster_plan
from learning.beyond.sides import Encoded, Reading, joined, read_sides
from tables.readers.partitions import Partition, find_partitions
from tables.row_digests import Digests
from tables.survey import Survey, survey, together


class Part(NamedTuple):
    """What a part comes to: rows that leave for memory, those that stay, and these' digests."""

    held: Encoded
    tuned: Encoded
    sampled: Encoded
    rows: int
    digest: int
    seen: Digests


class ClusterEngine:
    """Surveys and encodes the parts of a table on the workers of a cluster."""

    def __init__(
        self, cluster: Cluster, memory: int, options: Mapping[str, str] | None = None
    ) -> None:
        self._cluster = cluster
        self._options = options or {}
        self._memory = memory

    def plan(self, rows: int, columns: int) -> Plan:
        """Return the plan for rows of which those to learn from are in the workers' memory."""
        return cluster_plan(rows, columns, self._memory, self._cluster.memory or self._memory)

    def partitions(self, source: str | Path) -> Sequence[Partition]:
        """Return the parts of the table at an address. Raises DatasetError."""
        return find_partitions(source, self._options)

    def survey(
        self, partitions: Sequence[Partition], sampled: int, missing: tuple[str, ...]
    ) -> Survey | None:
        """Return the survey of all parts, added up on the workers."""
        futures = self._cluster.map(survey, partitions, sampled, missing)
        found: Survey | None = self._cluster.reduce(together, futures, sampled)
        return found

    def gather(self, partitions: Sequence[Partition], reading: Reading, rows: int) -> Gathered:
        """Encode the parts; rows to learn from stay on the workers. Raises DatasetError."""
        encoded = self._cluster.map(encode_part, partitions, reading, rows <= MOST_SEEN)
        parts = self._cluster.map(_part_of, encoded)
        kept = self._cluster.map(_rows_of, encoded)
        del encoded
        found: list[Part] = self._cluster.gather(parts)
        filled = [future for future, part in zip(kept, found, strict=True) if part.rows]
        counts = [part.rows for part in found if part.rows]
        grower = ClusterRows(self._cluster, filled, counts)
        together = Kept()
        for part in found:
            together.keep(part.held, part.tuned, part.sampled)
            together.see(part.rows, part.digest, part.seen)
        return together.gathered(reading, grower, rows <= MOST_SEEN)


def encode_part(partition: Partition, reading: Reading, see: bool) -> tuple[Part, Rows]:
    """Return the rows of a part: what leaves for memory, and what stays to be learnt from.

    `see` asks for the digests of the latter. Raises DatasetError.
    """
    sides = list(read_sides(partition, reading))
    schema = reading.schema
    learnt = joined([sided.learnt for sided in sides], schema)
    held, tuned, sampled = (
        joined([getattr(sided, name) for sided in sides], schema)
        for name in ("held", "tuned", "sampled")
    )
    seen = learnt.digests if see else np.empty(0, np.uint64)
    part = Part(held, tuned, sampled, len(learnt.values), digest_of(learnt), seen)
    return part, Rows(learnt.batch.matrix, learnt.values)


def _part_of(encoded: tuple[Part, Rows]) -> Part:
    return encoded[0]


def _rows_of(encoded: tuple[Part, Rows]) -> Rows:
    return encoded[1]
