"""A table of any size, a batch at a time: what `read_table` reads at once, in bounded memory.

Text is parted where a row ends, and each part is read as the whole would be: by the dialect,
the encoding and the header of its first mebibyte.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from errors import DatasetError, RowProblem
from tables.dialect import Dialect
from tables.readers import contents
from tables.readers.delimited import SAMPLE_BYTES, Source, layout_of, read_rows
from tables.readers.encoding import first_not_utf8, to_utf8
from tables.readers.json_lines import read_json
from tables.readers.layout import Layout
from tables.readers.spreadsheet import read_spreadsheet
from tables.texts import Texts, texts_of

if TYPE_CHECKING:
    import pyarrow as pa

# Rows and bytes of a batch, whichever is fewer: two and a few dozen bytes a cell are in flight.
BATCH_ROWS = 65_536
BATCH_BYTES = 4 * 2**20
# A batch of typed columns is cut in parts of no more than this.
MOST_BYTES = 32 * 2**20
# A row that goes on for longer is none: a quote was never closed, or it is another kind of file.
LONGEST_ROW = 64 * 2**20
# What has to be read whole: workbooks, and JSON that is one document.
MOST_WHOLE = 256 * 2**20
_HEAD = 4096
_PACKED = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))
_ZIP = b"PK\x03\x04"
# What PyArrow reads of a column at a time, where it need not have all of it.
_BUFFER = 2**20


class Piece(NamedTuple):
    """Some rows of a table, in their order.

    `numbers` are those of the rows, counted from 1 under the header; `problems` are rows that
    could not be read, by their numbers; `done` is which share of the bytes or rows is read.
    """

    table: pa.Table
    numbers: NDArray[np.int64]
    problems: tuple[RowProblem, ...] = ()
    done: float = 0.0


class Batches(NamedTuple):
    """A table's pieces, its dialect if it is text, and its number of rows where that is known."""

    pieces: Iterator[Piece]
    dialect: Dialect | None = None
    rows: int | None = None


def read_batches(source: IO[bytes], size: int, most_rows: int = BATCH_ROWS) -> Batches:
    """Return the pieces of an open file of so many bytes, which can seek.

    It is what `read_table` takes, plain or packed; what cannot be read in parts (workbooks,
    JSON that is no JSON Lines) is refused above 256 MiB. Raises DatasetError, as its pieces do.
    """
    head = source.read(_HEAD)
    source.seek(0)
    done = _Position(source, size)
    for magic, codec in _PACKED:
        if head.startswith(magic):
            return _unpacked(_Unpacked(source, codec), size, done, most_rows)
    if head.startswith(_ZIP):
        return _whole(source, size) if _is_workbook(source) else _zipped(source, done, most_rows)
    return _by_kind(source, head, size, done, most_rows)


class _Position:
    """How much of a file is read."""

    def __init__(self, source: IO[bytes], size: int) -> None:
        self._source, self._size = source, max(size, 1)

    def __call__(self) -> float:
        return min(1.0, self._source.tell() / self._size)


class _Unpacked:
    """What is packed in a file, read from its beginning to its end. Raises DatasetError."""

    def __init__(self, source: IO[bytes], codec: str) -> None:
        import pyarrow as pa

        self._codec = codec
        self._stream = pa.CompressedInputStream(pa.PythonFile(source, "r"), codec)
        self._head = self.read(_HEAD, keep=True)

    @property
    def head(self) -> bytes:
        return self._head

    def read(self, size: int = -1, keep: bool = False) -> bytes:
        kept = b"" if keep else self._head
        self._head = b"" if not keep else kept
        try:
            found: bytes = kept + self._stream.read(size if size < 0 else max(0, size - len(kept)))
        except OSError:
            raise DatasetError(f"the {self._codec} file is damaged or cut short") from None
        return found


def _unpacked(stream: _Unpacked, size: int, done: _Position, most_rows: int) -> Batches:
    return _by_kind(stream, stream.head, size, done, most_rows, packed=True)


def _is_workbook(source: IO[bytes]) -> bool:
    import zipfile

    try:
        with zipfile.ZipFile(source) as archive:
            found = "xl/workbook.xml" in archive.namelist()
    except zipfile.BadZipFile:
        raise DatasetError("the zip archive is damaged or encrypted") from None
    source.seek(0)
    return found


def _zipped(source: IO[bytes], done: _Position, most_rows: int) -> Batches:
    import zipfile

    archive = zipfile.ZipFile(source)
    names = [info for info in archive.infolist() if contents.is_table(info.filename)]
    if len(names) != 1:
        raise DatasetError(f"the zip archive holds {len(names)} files; expected one, the table")
    member = archive.open(names[0])
    head = member.read(_HEAD)
    member.seek(0)
    return _by_kind(member, head, names[0].file_size, done, most_rows, packed=True)


def _by_kind(
    stream: Any, head: bytes, size: int, done: _Position, most_rows: int, packed: bool = False
) -> Batches:
    contents.refuse_others(head)
    kind = contents.kind_of(head)
    if kind == "parquet":
        if packed:
            raise DatasetError("the table cannot be read: Parquet is packed within; unpack it once")
        return _parquet(stream, most_rows)
    if kind == "arrow":
        return _arrow(stream, head, most_rows, done, packed)
    if kind == "json":
        if head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"{":
            return Batches(_json_lines(stream, done, most_rows))
        return _whole(stream, size)
    return _delimited(stream, done)


# ---------------------------------------------------------------- typed columns


def _parquet(source: Any, most_rows: int) -> Batches:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        # Not buffered before: a row group may be as large as the file.
        file = parquet.ParquetFile(source, pre_buffer=False, buffer_size=_BUFFER)
        batches = file.iter_batches(most_rows, use_threads=False)
    except (pa.ArrowException, OSError):
        raise DatasetError("the Parquet file is damaged or cut short") from None
    rows = file.metadata.num_rows
    return Batches(_typed(batches, rows, "Parquet file", most_rows, None), rows=rows)


def _arrow(stream: Any, head: bytes, most_rows: int, done: _Position, packed: bool) -> Batches:
    import pyarrow as pa
    from pyarrow import ipc

    is_file = head.startswith(b"ARROW1")
    if packed and is_file:
        raise DatasetError("the table cannot be read: a packed Arrow file; unpack it")
    try:
        source = pa.PythonFile(stream, "r")
        reader = ipc.open_file(source) if is_file else ipc.open_stream(source)
    except (pa.ArrowException, OSError):
        raise DatasetError("the Arrow data is damaged or cut short") from None
    batches = (
        (reader.get_batch(i) for i in range(reader.num_record_batches)) if is_file else iter(reader)
    )
    return Batches(_typed(batches, None, "Arrow data", most_rows, done))


def _typed(
    batches: Iterator[pa.RecordBatch],
    rows: int | None,
    what: str,
    most_rows: int,
    done: _Position | None,
) -> Iterator[Piece]:
    import pyarrow as pa

    first = 1
    while True:
        try:
            batch = next(batches, None)
            if batch is None:
                return
            if done is not None:
                batch.validate(full=True)
        except (pa.ArrowException, OSError, UnicodeDecodeError):
            raise DatasetError(f"the {what} is damaged or cut short") from None
        for part in _parts(batch, most_rows):
            share = done() if done is not None else (first + part.num_rows) / max(rows or 1, 1)
            numbers = np.arange(first, first + part.num_rows)
            yield Piece(pa.Table.from_batches([part]), numbers, (), min(share, 1.0))
            first += part.num_rows


def _parts(batch: pa.RecordBatch, most_rows: int) -> Iterator[pa.RecordBatch]:
    """Yield a batch in parts of no more than MOST_BYTES: cells may be as long as they like."""
    size = max(1, batch.get_total_buffer_size())
    rows = max(1, min(most_rows, batch.num_rows * MOST_BYTES // size))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


# ---------------------------------------------------------------- text


def _blocks(stream: Any, quoted: bool, escape: str = "") -> Iterator[bytes]:
    """Yield UTF-8 text in blocks that end where a row does. Raises DatasetError."""
    rest = b""
    while True:
        data = stream.read(BATCH_BYTES)
        rest += data
        if not data:
            if rest:
                yield rest
            return
        end = _end_of_rows(rest, quoted, escape)
        if end:
            yield rest[:end]
            rest = rest[end:]
        elif len(rest) > LONGEST_ROW:
            raise DatasetError(
                f"a row is longer than {LONGEST_ROW} bytes: a quote is never closed, "
                "or its rows do not end in line ends"
            )


def _end_of_rows(text: bytes, quoted: bool, escape: str) -> int:
    """Return where the last whole row ends, 0 where none does."""
    end = max(text.rfind(b"\n"), text.rfind(b"\r", 0, -1)) + 1
    if not quoted or not end or b'"' not in text:
        return end
    signs = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(signs == ord('"'))
    if escape:
        before = signs[np.maximum(quotes - 1, 0)] == ord(escape)
        quotes = quotes[~before | (quotes == 0)]
    ends = np.flatnonzero((signs == ord("\n")) | (signs == ord("\r")))
    ends = ends[ends < len(text) - 1] if text.endswith(b"\r") else ends
    # Outside of quotes an even number of them came before.
    outside = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return int(outside[-1]) + 1 if len(outside) else 0


class _Utf8:
    """A text's bytes as UTF-8, in the encoding that its beginning has. Raises DatasetError."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._head = b""
        # One byte more than a sample tells that it is not the whole text.
        sample = stream.read(SAMPLE_BYTES + 1)
        self.encoding = self._encoding(sample)
        decoder = None if self.encoding == "utf-8" else codecs.getincrementaldecoder(self.encoding)
        self._decoder = decoder() if decoder else None
        self._head = self._decoded(sample.removeprefix(codecs.BOM_UTF8))

    def _encoding(self, sample: bytes) -> str:
        if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        end = max(sample.rfind(b"\n"), sample.rfind(b"\r")) + 1
        return to_utf8(sample[:end] if end and len(sample) > SAMPLE_BYTES else sample).encoding

    @property
    def sample(self) -> bytes:
        return self._head

    def read(self, size: int) -> bytes:
        head, self._head = self._head, b""
        return head or self._decoded(self._stream.read(size))

    def _decoded(self, data: bytes) -> bytes:
        if self._decoder is None:
            return data
        try:
            return self._decoder.decode(data, final=not data).encode()
        except UnicodeDecodeError:
            raise DatasetError(
                f"the table begins as {self.encoding} does, and goes on as another"
            ) from None


def _delimited(stream: Any, done: _Position) -> Batches:
    text = _Utf8(stream)
    sample = text.sample
    if not sample.strip():
        raise DatasetError("the table is empty")
    found = layout_of(sample)
    dialect = msgspec.structs.replace(found.dialect, encoding=text.encoding)
    return Batches(
        _rows(text, found.start, found.layout, found.header, found.dialect, done), dialect
    )


def _rows(
    text: _Utf8,
    start: int,
    layout: Layout,
    header: Sequence[str],
    dialect: Dialect,
    done: _Position,
) -> Iterator[Piece]:
    line, first, index = 1, 1, layout.header
    for block in _blocks(text, quoted=True, escape=dialect.escape):
        data = block[start:] if start else block
        _check_text(data, line)
        rows = read_rows(Source(data, dialect, line, index), layout.width, header)
        piece = _piece(rows, layout, first, done())
        line += block.count(b"\n") or block.count(b"\r")
        first += len(rows.lines) + len(rows.ragged)
        start, index = 0, -1
        if piece.table.num_rows or piece.problems:
            yield piece


def _check_text(data: bytes, line: int) -> None:
    wrong = first_not_utf8(data)
    zero = data.find(b"\0")
    at = zero if wrong is None else wrong
    if at >= 0:
        where = line + data.count(b"\n", 0, at)
        raise DatasetError(f"the table is not UTF-8 text: line {where} has a byte that cannot be")


def _piece(rows: Any, layout: Layout, first: int, done: float) -> Piece:
    import pyarrow as pa

    count = len(rows.lines) + len(rows.ragged)
    bad = {ragged.row for ragged in rows.ragged}
    numbers = np.array([i for i in range(count) if i not in bad]) if bad else np.arange(count)
    columns = {name: _array(rows.columns[index]) for index, name in layout.names.items()}
    problems = tuple(
        RowProblem(first + r.row, None, f"{layout.width} cells", f"{r.cells} cells")
        for r in rows.ragged
    )
    return Piece(pa.table(columns), numbers + first, problems, done)


def _array(cells: Sequence[str]) -> pa.ChunkedArray:
    return cells.array if isinstance(cells, Texts) else texts_of(cells).array


# ---------------------------------------------------------------- JSON


def _json_lines(stream: Any, done: _Position, most_rows: int) -> Iterator[Piece]:
    first = 1
    for block in _blocks(_Utf8(stream), quoted=False):
        rows, problems, numbers = _objects(block, first)
        first += len(rows) + len(problems)
        for start in range(0, len(rows), most_rows):
            part = slice(start, start + most_rows)
            yield Piece(_table(rows[part]), numbers[part], tuple(problems), done())
            problems = []
        if problems:
            yield Piece(_table(rows), numbers, tuple(problems), done())


def _objects(
    block: bytes, first: int
) -> tuple[list[dict[str, Any]], list[RowProblem], NDArray[np.int64]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    try:
        rows = decoder.decode_lines(block)
        return rows, [], np.arange(first, first + len(rows))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    rows, numbers, problems = [], [], []
    lines = (line for line in block.splitlines() if line.strip())
    for number, line in enumerate(lines, first):
        try:
            rows.append(decoder.decode(line))
            numbers.append(number)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            problems.append(RowProblem(number, None, "an object in JSON", "another text"))
    return rows, problems, np.array(numbers, np.int64)


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    import pyarrow as pa

    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: _values([row.get(name) for row in rows]) for name in names})


def _values(values: list[Any]) -> pa.Array:
    """Return values of one type as what they are, and others as their texts."""
    import pyarrow as pa

    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {int, float} or (len(kinds) <= 1 and not kinds & {list, dict}):
        try:
            return pa.array(values, pa.float64() if kinds == {int, float} else None)
        except pa.ArrowException:  # an integer of more than 64 bits
            pass
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


# ---------------------------------------------------------------- read whole


def _whole(stream: Any, size: int) -> Batches:
    data = stream.read(MOST_WHOLE + 1)
    if len(data) > MOST_WHOLE:
        raise DatasetError(
            f"a workbook, or JSON that is one document, is read whole, and this is more than "
            f"{MOST_WHOLE} bytes: save it as CSV, JSON Lines or Parquet"
        )
    table = read_spreadsheet(data) if data.startswith(_ZIP) else read_json(data)
    if table is None:
        raise DatasetError("the table cannot be read: it begins as JSON does, and is none")
    return Batches(_of_columns(dict(table.columns)))


def _of_columns(columns: dict[str, Sequence[Any]]) -> Iterator[Piece]:
    import pyarrow as pa

    made = {
        name: cells.array if isinstance(cells, Texts) else _values(list(cells))
        for name, cells in columns.items()
    }
    table = pa.table(made)
    for start in range(0, table.num_rows, BATCH_ROWS):
        part = table.slice(start, BATCH_ROWS)
        last = start + part.num_rows
        yield Piece(part, np.arange(start + 1, last + 1), (), last / table.num_rows)
