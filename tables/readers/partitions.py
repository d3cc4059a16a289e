"""A table in partitions: files, or groups of a file's rows, each read a chunk at a time.

They are files of this machine, or objects of a store that speaks S3, of any kind that `batches`
reads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from glob import glob
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from errors import DatasetError
from tables.readers import columnar
from tables.readers.batches import read_batches
from tables.readers.objects import WILD, objects_of, opened_object
from tables.table import Table

if TYPE_CHECKING:
    import pyarrow as pa

# So many cells of typed columns are a chunk; of text it is what `batches` reads at a time.
CHUNK_CELLS = 1_000_000
# Of a Parquet file the groups of rows make partitions of so many bytes, before they are packed.
PARTITION_BYTES = 2**26


@dataclass(frozen=True)
class Partition:
    """Some rows of a table: those of the file at `address`, or of some of its groups of rows.

    `number` counts the partitions from 1, and `first` its rows where that is known. `options`
    are the S3 client's, and are not shown.
    """

    address: str
    number: int
    groups: tuple[int, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """What a message calls it: its number, and its file's name."""
        return f"part {self.number} ({self.address.rsplit('/', 1)[-1]})"


def is_parted(source: Any) -> bool:
    """Tell whether a source of a table can be more than one file of this machine."""
    if not isinstance(source, str | Path):
        return False
    address = str(source)
    return address.startswith("s3://") or any(c in address for c in WILD) or Path(address).is_dir()


def find_partitions(
    source: str | Path, options: Mapping[str, str] | None = None
) -> tuple[Partition, ...]:
    """Return the partitions of the files that an address names, in the order of their names.

    It is a file, a folder, a pattern with `*`, or `s3://bucket/pattern`. Raises DatasetError.
    """
    address, given = str(source), dict(options or {})
    files = objects_of(address, given) if address.startswith("s3://") else _files(address)
    if not files:
        raise DatasetError(f"cannot read the table {address}: there is no such file")
    parts: list[tuple[str, tuple[int, ...]]] = []
    for file in files:
        with _opened(Partition(file, len(parts) + 1, (), given)) as stream:
            parts += [(file, groups) for groups in _groups(stream)]
    numbered = enumerate(parts, start=1)
    return tuple(Partition(file, number, groups, given) for number, (file, groups) in numbered)


def read_chunks(partition: Partition) -> Iterator[Table]:
    """Yield the rows of a partition as tables; `indices` are those of the rows in it.

    Raises DatasetError, naming the partition.
    """
    start = 0
    try:
        with _opened(partition) as stream:
            for chunk in _chunks(stream, partition.groups):
                if len(chunk):
                    yield replace(chunk, indices=range(start, start + len(chunk)))
                start += len(chunk)
    except DatasetError as error:
        raise DatasetError(f"{partition.name}: {error}") from None


# ---------------------------------------------------------------- files and objects


def _files(address: str) -> list[str]:
    if Path(address).is_dir():
        names = (path for path in Path(address).iterdir() if path.is_file())
        return sorted(str(path) for path in names if not path.name.startswith((".", "_")))
    if Path(address).is_file() or not any(c in address for c in WILD):
        return [address]
    return sorted(name for name in glob(address) if Path(name).is_file())


@contextmanager
def _opened(partition: Partition) -> Iterator[IO[bytes]]:
    address = partition.address
    if not address.startswith("s3://"):
        try:
            file = open(address, "rb")  # noqa: SIM115  (the caller's reading may raise OSError too)
        except OSError as error:
            raise DatasetError(f"cannot read the table {address}: {error.strerror}") from None
        with file:
            yield file
        return
    with opened_object(address, partition.options) as found:
        yield found


# ---------------------------------------------------------------- what is in one


def _groups(stream: IO[bytes]) -> list[tuple[int, ...]]:
    """Return the groups of rows of each partition of a file; none for a file that has none."""
    if not _begins(stream, b"PAR1"):
        return [()]
    metadata = _parquet(stream).metadata
    found: list[tuple[int, ...]] = []
    size = PARTITION_BYTES
    for group in range(metadata.num_row_groups):
        more = metadata.row_group(group).total_byte_size
        if size + more > PARTITION_BYTES:
            found.append(())
            size = 0
        found[-1] += (group,)
        size += more
    return found


def _begins(stream: IO[bytes], start: bytes) -> bool:
    head = stream.read(len(start))
    stream.seek(0)
    return head == start


def _parquet(stream: IO[bytes]) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(stream)
    except (pa.ArrowException, OSError):
        raise DatasetError("the Parquet file is damaged or cut short") from None


def _chunks(stream: IO[bytes], groups: tuple[int, ...]) -> Iterator[Table]:
    if groups:
        yield from _of_groups(stream, groups)
        return
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    batches = read_batches(stream, size)
    for piece in batches.pieces:
        if piece.problems:
            first = piece.problems[0]
            raise DatasetError(f"row {first.row}: {first.expected} are needed, it has {first.got}")
        table = _as_table(piece.table)
        yield replace(table, dialect=batches.dialect) if batches.dialect else table


def _of_groups(stream: IO[bytes], groups: tuple[int, ...]) -> Iterator[Table]:
    import pyarrow as pa

    file = _parquet(stream)
    rows = max(100, CHUNK_CELLS // max(1, len(file.schema_arrow.names)))
    batches = file.iter_batches(rows, row_groups=list(groups), use_threads=False)
    try:
        for batch in batches:
            yield _as_table(pa.Table.from_batches([batch]))
    except (pa.ArrowException, OSError):
        raise DatasetError("the Parquet file is damaged or cut short") from None


def _as_table(table: pa.Table) -> Table:
    return columnar.from_arrow(table) if table.num_rows else Table({})
