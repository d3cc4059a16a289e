"""A survey: what parts of a table say together, and a sample of their rows, whatever the parts.

Surveys of parts can be added up in any order and on any machine: the tallies are counts, and the
sample are the rows of the least ranks, a row's rank being drawn by its number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from errors import DatasetError
from tables.dialect import Dialect
from tables.readers.partitions import Partition, read_chunks
from tables.row_digests import mixed
from tables.table import Table
from tables.tally import Tally, added, tally
from tables.texts import Texts, texts_of

if TYPE_CHECKING:
    import pyarrow as pa

Ranks = NDArray[np.uint64]
# Of a row's number the lower bits are its index in its part.
PART_BITS = np.uint64(40)


@dataclass(frozen=True)
class Sample:
    """Rows drawn from all parts: their cells as texts, numbers (part and index), and ranks."""

    cells: pa.Table
    numbers: Ranks
    ranks: Ranks

    def least(self, rows: int) -> Sample:
        """Return the rows of the least ranks."""
        if len(self.ranks) <= rows:
            return self
        kept = np.sort(np.argpartition(self.ranks, rows)[:rows])
        return Sample(self.cells.take(kept), self.numbers[kept], self.ranks[kept])

    def below(self, rank: np.uint64) -> Sample:
        """Return the rows of ranks below one."""
        kept = np.flatnonzero(self.ranks < rank)
        return Sample(self.cells.take(kept), self.numbers[kept], self.ranks[kept])

    def sorted(self) -> Sample:
        """Return the rows in the order of the parts."""
        order = np.argsort(self.numbers)
        return Sample(self.cells.take(order), self.numbers[order], self.ranks[order])


class SampledTable(Table):
    """Rows that were drawn from the parts of a table; `indices` are their numbers."""

    def index(self, row: int) -> str:
        """Say where a row is: its number in its part."""
        number = np.uint64(self.indices[row])
        part = number >> PART_BITS
        return f"row {int(number - (part << PART_BITS)) + 1} of part {int(part)}"


@dataclass(frozen=True)
class Survey:
    """What so many rows say: a tally of each column, and a sample; `name` is the first part's."""

    name: str
    rows: int
    tallies: Mapping[str, Tally]
    sample: Sample
    dialect: Dialect

    def table(self) -> Table:
        """Return the sample as a table, in the order of the parts; a row is named by its part."""
        found = self.sample.sorted()
        columns = {name: Texts(found.cells.column(name)) for name in found.cells.column_names}
        return SampledTable(columns, dialect=self.dialect, indices=found.numbers.tolist())


def survey(partition: Partition, sampled: int, missing: tuple[str, ...] = ()) -> Survey | None:
    """Return the survey of a partition, None where it has no row; at most so many are sampled.

    `missing` are the table's own words for a missing value. Raises DatasetError.
    """
    found: Survey | None = None
    for rows in read_chunks(partition):
        chunk = replace(rows, missing=missing).emptied()
        bound = found.sample.ranks.max() if found and len(found.sample.ranks) >= sampled else None
        one = _of_chunk(chunk, partition, bound)
        found = one if found is None else merged(found, one, sampled)
    return found and replace(found, sample=found.sample.least(sampled))


def together(surveys: Iterable[Survey | None], sampled: int) -> Survey | None:
    """Return what surveys say together; those of parts without rows say nothing."""
    found = (one for one in surveys if one is not None)
    return reduce(lambda one, other: merged(one, other, sampled), found, None)


def merged(one: Survey | None, other: Survey, sampled: int) -> Survey:
    """Return what two surveys say together. Raises DatasetError for other columns."""
    import pyarrow as pa

    if one is None:
        return other
    _check_columns(one, other)
    tallies = {name: added(seen, other.tallies[name]) for name, seen in one.tallies.items()}
    cells = pa.concat_tables([one.sample.cells, other.sample.cells.select(list(tallies))])
    numbers = np.concatenate([one.sample.numbers, other.sample.numbers])
    ranks = np.concatenate([one.sample.ranks, other.sample.ranks])
    sample = Sample(cells, numbers, ranks)
    # Cut when it is twice as long: of many small chunks each is then moved about once.
    sample = sample.least(sampled) if len(ranks) > 2 * sampled else sample
    return Survey(one.name, one.rows + other.rows, tallies, sample, one.dialect)


def _check_columns(one: Survey, other: Survey) -> None:
    for a, b in ((one, other), (other, one)):
        for name in a.tallies:
            if name not in b.tallies:
                raise DatasetError(f"{b.name} has no column {name}, which {a.name} has")


def _of_chunk(chunk: Table, partition: Partition, bound: Any) -> Survey:
    tallies = {name: tally(cells, partition.number) for name, cells in texts_by_name(chunk).items()}
    numbers = numbered(partition.number, chunk.indices)
    sample = Sample(_as_arrow(chunk), numbers, mixed(numbers))
    sample = sample if bound is None else sample.below(bound)
    return Survey(partition.name, len(chunk), tallies, sample, chunk.dialect)


def numbered(part: int, indices: Any) -> Ranks:
    """Return the numbers of rows by their indices in a part; no two rows of a table share one."""
    return np.asarray(indices, dtype=np.uint64) + (np.uint64(part) << PART_BITS)


def texts_by_name(chunk: Table) -> dict[str, Texts]:
    """Return the columns of a chunk as PyArrow's texts."""
    return {
        name: cells if isinstance(cells, Texts) else texts_of(cells)
        for name, cells in chunk.columns.items()
    }


def _as_arrow(chunk: Table) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: cells.array for name, cells in texts_by_name(chunk).items()})
