"""A table in partitions: files, or groups of a file's rows, each read a chunk at a time.

Parquet, Arrow and delimited text in UTF-8, plain or within gzip or zstd; files of this machine,
or objects of a store that speaks S3.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from glob import glob
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from errors import DatasetError
from tables.dialect import Dialect
from tables.readers import columnar, contents
from tables.readers.assembly import without_blank_rows
from tables.readers.delimited import SAMPLE_BYTES, first_records, head_of, start_of_rows
from tables.readers.dialects import find_dialect, skip_preamble
from tables.readers.layout import find_layout
from tables.readers.objects import WILD, objects_of, opened_object
from tables.table import Table
from tables.texts import Texts

if TYPE_CHECKING:
    import pyarrow as pa

# A chunk has so many cells: of a table of text some 10 MB.
CHUNK_CELLS = 1_000_000
BLOCK_BYTES = 2**23
# Of a Parquet file the groups of rows make partitions of so many bytes, before they are packed.
PARTITION_BYTES = 2**26
# So many bytes say whether a text is UTF-8; PyArrow checks the rest.
_LOOKED_AT = 2**16
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


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
    import pyarrow as pa

    head = stream.read(8)
    stream.seek(0)
    try:
        if head.startswith(b"PAR1"):
            yield from _of_parquet(stream, groups)
        elif head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
            yield from _of_arrow(stream, head.startswith(b"ARROW1"))
        else:
            yield from _of_text(stream, head)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"it cannot be read: {_line(error)}") from None


def _line(error: Exception) -> str:
    """Return what PyArrow says of a row that does not fit; the rest may have values in it."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else ""
    if "Expected" in text and "columns" in text:
        return text.removeprefix("CSV parse error: ").split(":", 1)[0].strip() + " cells"
    return "it is damaged, cut short, or has other columns than its header"


def _of_parquet(stream: IO[bytes], groups: tuple[int, ...]) -> Iterator[Table]:
    import pyarrow as pa

    file = _parquet(stream)
    rows = _rows(len(file.schema_arrow.names))
    for batch in file.iter_batches(rows, row_groups=list(groups), use_threads=False):
        yield _as_table(pa.Table.from_batches([batch]))


def _of_arrow(stream: IO[bytes], is_file: bool) -> Iterator[Table]:
    import pyarrow as pa
    from pyarrow import ipc

    opened = ipc.open_file(stream) if is_file else ipc.open_stream(stream)
    count = opened.num_record_batches if is_file else None
    batches = map(opened.get_batch, range(count)) if count is not None else iter(opened)
    for batch in batches:
        table = pa.Table.from_batches([batch])
        for start in range(0, table.num_rows, _rows(table.num_columns)):
            yield _as_table(table.slice(start, _rows(table.num_columns)))


def _rows(columns: int) -> int:
    return max(100, CHUNK_CELLS // max(1, columns))


def _as_table(table: pa.Table) -> Table:
    if not table.num_rows:
        return Table({name: Texts(column) for name, column in _named(table)})
    return columnar.from_arrow(table)


def _named(table: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    yield from zip(table.column_names, table.columns, strict=True)


# ---------------------------------------------------------------- delimited text


def _of_text(stream: IO[bytes], head: bytes) -> Iterator[Table]:
    import pyarrow as pa
    from pyarrow import csv

    packed = next((name for start, name in _PACKED.items() if head.startswith(start)), None)

    def unpacked() -> Any:
        stream.seek(0)
        plain = pa.PythonFile(stream, mode="r")
        return pa.CompressedInputStream(plain, packed) if packed else plain

    # It is kept, for what is let go closes the file.
    first = unpacked()
    how = _how_written(first.read(SAMPLE_BYTES + 1))
    rest = unpacked()
    rest.read(how.start)
    names = [str(index) for index in range(how.width)]
    read = csv.ReadOptions(column_names=names, use_threads=False, block_size=BLOCK_BYTES)
    parse = csv.ParseOptions(delimiter=how.dialect.delimiter, newlines_in_values=True)
    convert = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    try:
        batches = csv.open_csv(rest, read, parse, convert)
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return
        raise
    for batch in batches:
        table, _ = without_blank_rows(pa.Table.from_batches([batch]))
        columns = {name: Texts(table.column(index)) for index, name in how.names.items()}
        yield Table(columns, dialect=how.dialect)


@dataclass(frozen=True)
class _Written:
    """How a text is written: where its rows begin, their width, and the columns' names."""

    start: int
    width: int
    names: Mapping[int, str]
    dialect: Dialect


def _how_written(data: bytes) -> _Written:
    """Find out how a text is written by its beginning. Raises DatasetError."""
    contents.refuse_others(data)
    mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    # A character at the end may be cut in two.
    text = data[mark : mark + _LOOKED_AT].decode("utf-8", "replace")[:-4]
    if "\0" in text or "\ufffd" in text:
        raise DatasetError("in parts a table is read as UTF-8, and this is not; save it as UTF-8")
    sample, whole = head_of(data[mark:])
    if not sample.strip():
        raise DatasetError("the table is empty")
    begin, said, skipped = skip_preamble(sample)
    dialect = find_dialect(sample[begin:], said, whole)
    if dialect.escape or dialect.spaced:
        raise DatasetError(r"in parts a table is read without \" and spaces as delimiters")
    lines, first = first_records(sample[begin:], dialect, skipped + 1, whole)
    layout = find_layout(lines, first)
    if layout.row_names:
        raise DatasetError("its rows begin with a name that the header has none for")
    before = len(sample[:begin].encode())
    rows = start_of_rows(data[mark + before :], dialect, layout.header)
    end = rows if rows is not None else len(data) - mark - before
    written = msgspec.structs.replace(dialect, encoding="utf-8")
    return _Written(mark + before + end, layout.width, layout.names, written)
