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

    @property
    def memory(self) -> int:
        """How many bytes rows to learn from may take."""
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
        self._held.append(sided.held)
        self._tuned.append(sided.tuned)
        self._sampled.append(sided.sampled)
        self._learnt += len(sided.learnt.digests)
        self._digest += int(np.sum(sided.learnt.digests, dtype=np.uint64))
        if self._learnt <= MOST_SEEN:
            self._digests.append(sided.learnt.digests)

    def gathered(self, reading: Reading, grower: Grower) -> Gathered:
        """Return all of them."""
        held, tuned, sampled = (
            joined(one, reading.schema) for one in (self._held, self._tuned, self._sampled)
        )
        all_kept = self._learnt <= MOST_SEEN and self._digests
        seen = np.concatenate(self._digests) if all_kept else np.empty(0, np.uint64)
        return Gathered(held, tuned, sampled, grower, self._digest % 2**64, seen)


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
