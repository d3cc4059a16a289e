"""A request's body as an Arrow stream: looked through before it is read, and validated after.

Each message says how many rows it has and whether it is packed; those words are read first,
with bounds on each, so that no length in a body makes room for more than the body holds.
https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from errors import DatasetError, ParseError, RowsError, TooManyRows
from tables.arrow_rows import ArrowEncoder, without_views
from tables.arrow_sizes import bytes_of_texts
from tables.field_aliases import canonical
from tables.json_text import MOST_ROWS, too_many
from tables.parquet_body import TOO_MANY, TOO_MUCH, ParquetFault, stream_of
from tables.readers.columnar import texts_of_column
from tables.rows import Decoded, RowCodec
from tables.texts import Texts

if TYPE_CHECKING:
    import pyarrow as pa

NO_STREAM = "the body is no Arrow stream, or is cut short"
PACKED = (
    "the Arrow stream has packed buffers: send it without (Content-Encoding: zstd packs all of it)"
)
_CONTINUED = 0xFFFFFFFF
# Message.fbs: the kinds of a header. Schema.fbs says what a schema is.
_SCHEMA, _DICTIONARY, _ROWS = 1, 2, 3
# A stream of so many messages is of batches too small to be meant.
MOST_MESSAGES = 20_000
MOST_COLUMNS = 20_000
# Of the texts of all rows, which a dictionary or a view may let share one.
MOST_TEXT = 64 * 2**20


class _Message(NamedTuple):
    kind: int
    rows: int
    packed: bool


def decode_arrow(
    body: bytes,
    codec: RowCodec,
    *,
    partial: bool = False,
    strict: bool = False,
    most_rows: int = MOST_ROWS,
) -> Decoded:
    """Decode and encode the rows of an Arrow stream, as `decode_columns` does of a CSV body.

    Raises ParseError for what is no such stream, TooManyRows, and RowsError.
    """
    table = read_stream(body, most_rows)
    import pyarrow as pa

    try:
        if codec.has_columns(table.column_names):
            table = table.rename_columns(canonical(table.column_names, codec.schema))
            batch = ArrowEncoder(codec, strict=strict).encode_good(table)
            if batch is not None:
                return codec.decoded(batch, lambda name: _texts(table, name))
        texts = {name: _texts(table, name) for name in table.column_names}
    except DatasetError as error:
        raise RowsError(str(error)) from None
    except pa.ArrowException:
        raise ParseError("the Arrow stream has a column of a type that is not read") from None
    return codec.decode_columns(texts, partial=partial, strict=strict, most_rows=most_rows)


def decode_parquet(
    body: bytes,
    codec: RowCodec,
    *,
    partial: bool = False,
    strict: bool = False,
    most_rows: int = MOST_ROWS,
) -> Decoded:
    """Decode and encode the rows of a Parquet file, as `decode_arrow` does of a stream."""
    try:
        stream = stream_of(body, most_rows)
    except ParquetFault as fault:
        if fault.number == TOO_MANY:
            raise TooManyRows(too_many(most_rows)) from None
        if fault.number == TOO_MUCH:
            raise TooManyRows("the Parquet body takes more memory or time than one may") from None
        raise ParseError("the body is no Parquet file, or is damaged") from None
    return decode_arrow(stream, codec, partial=partial, strict=strict, most_rows=most_rows)


def _texts(table: pa.Table, name: str) -> Texts:
    return texts_of_column(name, table.column(name))


def read_stream(body: bytes, most_rows: int) -> pa.Table:
    """Return the table of an Arrow stream of at most so many rows.

    Raises ParseError and TooManyRows.
    """
    check_messages(body, most_rows)
    import pyarrow as pa
    from pyarrow import ipc

    batches, rows, text = [], 0, 0
    try:
        with ipc.open_stream(pa.py_buffer(body)) as reader:
            schema = reader.schema
            for batch in reader:
                batch.validate(full=True)
                rows += batch.num_rows
                if rows > most_rows:
                    raise TooManyRows(too_many(most_rows))
                text += bytes_of_texts(batch)
                if text > MOST_TEXT:
                    raise TooManyRows(f"the rows' texts take more than {MOST_TEXT} bytes")
                batches.append(batch)
        names = schema.names
        if len(set(names)) < len(names):
            raise ParseError("the Arrow stream names a column twice")
        return without_views(pa.Table.from_batches(batches, schema))
    except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError, OverflowError):
        raise ParseError(NO_STREAM) from None


def check_messages(body: bytes, most_rows: int) -> None:
    """Look through the messages of a stream. Raises ParseError and TooManyRows."""
    rows = messages = 0
    try:
        for message in _messages(body):
            messages += 1
            if message.packed:
                raise ParseError(PACKED)
            rows += message.rows if message.kind == _ROWS else 0
            if max(rows, message.rows) > most_rows:
                raise TooManyRows(too_many(most_rows))
            if message.rows < 0 or messages > MOST_MESSAGES:
                raise ParseError(NO_STREAM)
    except (struct.error, IndexError):
        raise ParseError(NO_STREAM) from None
    if not messages:
        raise ParseError(NO_STREAM)


def _messages(body: bytes) -> Iterator[_Message]:
    at = 0
    while at < len(body):
        mark, size = struct.unpack_from("<Ii", body, at)
        if mark != _CONTINUED or size < 0 or at + 8 + size > len(body):
            raise ParseError(NO_STREAM)
        if not size:  # the end of the stream
            return
        message, length = _read(body[at + 8 : at + 8 + size])
        at += 8 + size + length
        if length < 0 or at > len(body):
            raise ParseError(NO_STREAM)
        yield message


def _read(metadata: bytes) -> tuple[_Message, int]:
    """Return what a message says of itself, and the length of its body."""
    message = _Table(metadata, struct.unpack_from("<I", metadata, 0)[0])
    kind, length = message.number(1, "<B"), message.number(3, "<q")
    if kind == _SCHEMA:
        fields = message.table(2).vector(1)
        if fields > MOST_COLUMNS:
            raise ParseError(f"the Arrow stream has more than {MOST_COLUMNS} columns")
        return _Message(kind, 0, False), length
    if kind not in (_DICTIONARY, _ROWS):
        raise ParseError(NO_STREAM)
    rows = message.table(2)
    if kind == _DICTIONARY:
        rows = rows.table(1)
    return _Message(kind, rows.number(0, "<q"), rows.has(3)), length


class _Table:
    """A table of a flatbuffer: https://flatbuffers.dev/internals/."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - struct.unpack_from("<i", data, at)[0]
        if self._fields < 0:
            raise ParseError(NO_STREAM)
        self._size = struct.unpack_from("<H", data, self._fields)[0]

    def _place(self, field: int) -> int | None:
        offset = 4 + 2 * field
        if offset + 2 > self._size:
            return None
        found: int = struct.unpack_from("<H", self._data, self._fields + offset)[0]
        return self._at + found if found else None

    def has(self, field: int) -> bool:
        return self._place(field) is not None

    def number(self, field: int, kind: str) -> int:
        place = self._place(field)
        return 0 if place is None else int(struct.unpack_from(kind, self._data, place)[0])

    def table(self, field: int) -> _Table:
        return _Table(self._data, self._follow(field))

    def vector(self, field: int) -> int:
        if not self.has(field):
            return 0
        return int(struct.unpack_from("<I", self._data, self._follow(field))[0])

    def _follow(self, field: int) -> int:
        place = self._place(field)
        if place is None:
            raise ParseError(NO_STREAM)
        return place + int(struct.unpack_from("<I", self._data, place)[0])
