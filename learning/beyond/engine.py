"""What goes over the parts of a table: this process, one part after the other, or a cluster."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from errors import DatasetError
from learning.additive.grown import Grower
from learning.beyond.blocks import Blocks
from learning.beyond.plan import Plan, plan_of
from learning.beyond.sides import Encoded, Reading, Sided, joined, read_sides
from tables.readers.partitions import Partition, find_partitions
from tables.row_digests import Digests
from tables.survey import Survey, survey, together

# Of more rows than these it is not kept which they are: the artifact would have 8 MB more.
MOST_SEEN = 2_000_000


@dataclass(frozen=True)
class Gathered:
    """Rows in memory: those held out, those that judge, a sample of the others; and their grower.

    `digest` is the same for the same rows to learn from, in whatever order, and `seen` are
    their own digests, or none of them where they are too many.
    """

    held: Encoded
    tuned: Encoded
    sampled: Encoded
    grower: Grower
    digest: int
    seen: Digests


class Engine(Protocol):
    """Goes over the parts of a table."""

    def plan(self, rows: int, columns: int) -> Plan:
        """Return the plan for so many rows of a matrix."""
        ...

    def partitions(self, source: str | Path) -> Sequence[Partition]:
        """Return the parts of the table at an address."""
        ...

    def survey(
        self,
        partitions: Sequence[Partition],
        sampled: int,
        missing: tuple[str, ...],
    ) -> Survey | None:
        """Return the survey of all parts, None where there is no row."""
        ...

    def gather(self, partitions: Sequence[Partition], reading: Reading, rows: int) -> Gathered:
        """Encode the parts, of so many rows in all, and part them into sides."""
        ...


class Here:
    """This process; rows to learn from are kept in temporary files of TMPDIR."""

    def __init__(self, memory: int, options: Mapping[str, str] | None = None) -> None:
        self.memory = memory
        self._options = options or {}

    def plan(self, rows: int, columns: int) -> Plan:
        """Return the plan for so many rows of a matrix."""
        return plan_of(rows, columns, self.memory)

    def partitions(self, source: str | Path) -> Sequence[Partition]:
        """Return the parts of the table at an address. Raises DatasetError."""
        return find_partitions(source, self._options)

    def survey(
        self,
        partitions: Sequence[Partition],
        sampled: int,
        missing: tuple[str, ...],
    ) -> Survey | None:
        """Return the survey of all parts, None where there is no row. Raises DatasetError."""
        return together((survey(one, sampled, missing) for one in partitions), sampled)

    def gather(self, partitions: Sequence[Partition], reading: Reading, rows: int) -> Gathered:
        """Encode the parts, and part them into sides. Raises DatasetError."""
        columns = len(reading.schema.numeric)
        check_disk(rows, columns)
        blocks = Blocks(columns, reading.plan.blocks)
        kept = Kept()
        with ExitStack() as stack:
            stack.callback(blocks.close)
            for partition in partitions:
                for sided in read_sides(partition, reading):
                    blocks.add(sided)
                    kept.add(sided)
            found = kept.gathered(reading, blocks)
            stack.pop_all()
        return found


class Kept:
    """The rows of chunks that stay in memory."""

    def __init__(self) -> None:
        self._held: list[Encoded] = []
        self._tuned: list[Encoded] = []
        self._sampled: list[Encoded] = []
        self._digests: list[Digests] = []
        self._digest, self._learnt = 0, 0

    def add(self, sided: Sided) -> None:
        """Keep those of a chunk."""
        self.keep(sided.held, sided.tuned, sided.sampled)
        self.see(len(sided.learnt.values), digest_of(sided.learnt), sided.learnt.digests)

    def keep(self, held: Encoded, tuned: Encoded, sampled: Encoded) -> None:
        """Keep rows of each side."""
        self._held.append(held)
        self._tuned.append(tuned)
        self._sampled.append(sampled)

    def see(self, rows: int, digest: int, digests: Digests) -> None:
        """Take in which rows there are to learn from."""
        self._learnt += rows
        self._digest += digest
        if self._learnt <= MOST_SEEN:
            self._digests.append(digests)

    def gathered(self, reading: Reading, grower: Grower, see: bool = True) -> Gathered:
        """Return all of them; `see` says that the digests of all rows were taken in."""
        held, tuned, sampled = (
            joined(one, reading.schema) for one in (self._held, self._tuned, self._sampled)
        )
        all_kept = see and self._learnt <= MOST_SEEN and self._digests
        seen = np.concatenate(self._digests) if all_kept else np.empty(0, np.uint64)
        return Gathered(held, tuned, sampled, grower, self._digest % 2**64, seen)


def digest_of(rows: Encoded) -> int:
    """Return a number that is the same for the same rows, in whatever order; they add up."""
    return int(np.sum(rows.digests, dtype=np.uint64))


def check_disk(rows: int, columns: int) -> None:
    """Raise DatasetError where the temporary folder has no room for rows of a matrix."""
    needed = rows * columns * np.dtype(np.float32).itemsize
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DatasetError(
            f"the rows need {needed >> 20} MiB in {folder}, which has {free >> 20} MiB left; "
            "TMPDIR names another folder"
        )
