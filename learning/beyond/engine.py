"""What goes over the parts of a table: this process, one part after the other, or a cluster."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from errors import DatasetError
from learning.additive.grown import Grower
from learning.beyond.blocks import Blocks
from learning.beyond.sides import Encoded, Reading, Sided, joined, read_sides
from learning.progress import Progress
from tables.readers.partitions import Partition
from tables.survey import Survey, survey, together


@dataclass(frozen=True)
class Gathered:
    """Rows in memory: those held out, those that judge, a sample of the others; and their grower.

    `digest` is the same for the same rows to learn from, in whatever order.
    """

    held: Encoded
    tuned: Encoded
    sampled: Encoded
    grower: Grower
    digest: int


class Engine(Protocol):
    """Goes over the parts of a table."""

    @property
    def memory(self) -> int:
        """How many bytes rows to learn from may take."""
        ...

    def survey(
        self,
        partitions: Sequence[Partition],
        sampled: int,
        missing: tuple[str, ...],
        progress: Progress,
    ) -> Survey | None:
        """Return the survey of all parts, None where there is no row."""
        ...

    def gather(
        self, partitions: Sequence[Partition], reading: Reading, rows: int, progress: Progress
    ) -> Gathered:
        """Encode the parts, of so many rows in all, and part them into sides."""
        ...


class Here:
    """This process; rows to learn from are kept in temporary files of TMPDIR."""

    def __init__(self, memory: int) -> None:
        self.memory = memory

    def survey(
        self,
        partitions: Sequence[Partition],
        sampled: int,
        missing: tuple[str, ...],
        progress: Progress,
    ) -> Survey | None:
        """Return the survey of all parts, None where there is no row. Raises DatasetError."""
        return together((survey(one, sampled, missing) for one in partitions), sampled)

    def gather(
        self, partitions: Sequence[Partition], reading: Reading, rows: int, progress: Progress
    ) -> Gathered:
        """Encode the parts, and part them into sides. Raises DatasetError."""
        columns = len(reading.schema.numeric)
        check_disk(rows, columns)
        blocks = Blocks(columns, reading.plan.blocks)
        kept = Kept()
        for partition in partitions:
            for sided in read_sides(partition, reading):
                blocks.add(sided)
                kept.add(sided)
            progress.advance()
        return kept.gathered(reading, blocks)


class Kept:
    """The rows of chunks that stay in memory."""

    def __init__(self) -> None:
        self._held: list[Encoded] = []
        self._tuned: list[Encoded] = []
        self._sampled: list[Encoded] = []
        self._digest = 0

    def add(self, sided: Sided) -> None:
        """Keep those of a chunk."""
        self._held.append(sided.held)
        self._tuned.append(sided.tuned)
        self._sampled.append(sided.sampled)
        self._digest += digest_of([sided.learnt])

    def gathered(self, reading: Reading, grower: Grower) -> Gathered:
        """Return all of them."""
        held, tuned, sampled = (
            joined(one, reading.schema) for one in (self._held, self._tuned, self._sampled)
        )
        return Gathered(held, tuned, sampled, grower, self._digest % 2**64)


def digest_of(parts: Iterable[Encoded]) -> int:
    """Return a number that is the same for the same rows, in whatever order."""
    return sum(int(np.sum(one.digests, dtype=np.uint64)) for one in parts)


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
