"""The kinds of files that answers are written to, chosen by a name's ending."""

from __future__ import annotations

import csv as written
import gzip
import io
from collections.abc import Mapping
from typing import IO, Any, NamedTuple, Protocol

import msgspec
import pyarrow as pa
from pyarrow import csv, ipc, parquet

from errors import ConfigError, DatasetError

KINDS = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}
PACKINGS = {".gz": "gzip", ".zst": "zstd"}
# Slower levels make files of answers hardly smaller.
LEVEL = 5
ABOUT = b"mirante"


class Kind(NamedTuple):
    """How a file is written, and what it is packed with, if with anything."""

    name: str
    packing: str = ""

    @property
    def is_text(self) -> bool:
        """Whether it is text, whose parts are joined as they are."""
        return self.name in ("csv", "jsonl")


def kind_of(path: str) -> Kind:
    """Return the kind of file that a name's ending means. Raises ConfigError."""
    bare, packing = path.lower(), ""
    for ending, name in PACKINGS.items():
        if bare.endswith(ending):
            bare, packing = bare.removesuffix(ending), name
    for ending, name in KINDS.items():
        if bare.endswith(ending) and (not packing or name in ("csv", "jsonl")):
            return Kind(name, packing)
    raise ConfigError(
        f"the answers' file ends in one of {', '.join(KINDS)}; "
        ".csv, .jsonl and .ndjson also with .gz or .zst behind it"
    )


# ---------------------------------------------------------------- parts


def part_of(table: pa.Table, kind: Kind) -> bytes:
    """Return rows as a part of the file: text as it stands there, others as an Arrow file."""
    if kind.name == "csv":
        return packed(_csv(table), kind)
    if kind.name == "jsonl":
        rows = msgspec.json.Encoder(enc_hook=str).encode_lines(table.to_pylist())
        return packed(rows, kind)
    sink = io.BytesIO()
    with ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def packed(data: bytes, kind: Kind) -> bytes:
    """Return bytes packed as the file is; what is packed in parts is one file when joined."""
    if not data or not kind.packing:
        return data
    if kind.packing == "gzip":
        return gzip.compress(data, LEVEL, mtime=0)
    found: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return found


def _csv(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    try:
        csv.write_csv(_flat(table), sink, options)
    except pa.ArrowException:
        names = [f.name for f in table.schema if pa.types.is_nested(f.type)]
        raise DatasetError(f"CSV cannot hold the column {', '.join(names)}") from None
    return sink.getvalue()


def _flat(table: pa.Table) -> pa.Table:
    for index, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(index, column.name, table.column(index).cast(pa.string()))
    return table


# ---------------------------------------------------------------- the whole


class Assembly(Protocol):
    """A file that is made of parts, in their order."""

    def add(self, part: str) -> None:
        """Append the part in a file of that path."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


def assembly(sink: IO[bytes], kind: Kind, about: Mapping[str, Any]) -> Assembly:
    """Return what joins parts; `about` stands in the metadata of files that have such."""
    if kind.is_text:
        return _Joined(sink)
    return _Columns(sink, kind, msgspec.json.encode(about))


def header_of(names: list[str], kind: Kind) -> bytes:
    """Return the header of a file that has one."""
    if kind.name != "csv":
        return b""
    line = io.StringIO()
    written.writer(line, lineterminator="\n").writerow(names)
    return packed(line.getvalue().encode(), kind)


class _Joined:
    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink

    def add(self, part: str) -> None:
        with open(part, "rb") as source:
            while data := source.read(2**20):
                self._sink.write(data)

    def close(self) -> None:
        self._sink.flush()


class _Columns:
    def __init__(self, sink: IO[bytes], kind: Kind, about: bytes) -> None:
        self._sink, self._kind, self._about = sink, kind, about
        self._schema: pa.Schema | None = None
        self._writer: Any = None

    def add(self, part: str) -> None:
        with pa.OSFile(part) as source:
            table = ipc.open_file(source).read_all()
        if self._schema is None:
            self._schema = _settled(table.schema)
            metadata = {**(table.schema.metadata or {}), ABOUT: self._about}
            self._writer = self._open(self._schema.with_metadata(metadata))
        self._write(_cast(table, self._schema))

    def _write(self, table: pa.Table) -> None:
        if table.num_rows:
            self._writer.write_table(table)

    def _open(self, schema: pa.Schema) -> Any:
        if self._kind.name == "arrow":
            return ipc.new_file(self._sink, schema)
        # A dictionary of numbers that hardly recur costs four times what it saves.
        words = [f.name for f in schema if not pa.types.is_primitive(f.type)]
        return parquet.ParquetWriter(self._sink, schema, use_dictionary=words or False)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._sink.flush()


def _settled(schema: pa.Schema) -> pa.Schema:
    """Return a schema in which a column without any value is of texts: later rows may have some."""
    fields = [f.with_type(pa.string()) if pa.types.is_null(f.type) else f for f in schema]
    return pa.schema(fields)


def _cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    if table.column_names != schema.names:
        raise DatasetError("the tables, or rows of them, do not have the same columns in one order")
    columns = []
    for field, column in zip(schema, table.columns, strict=True):
        try:
            columns.append(column.cast(field.type))
        except pa.ArrowException:
            raise DatasetError(
                f"column {field.name} holds {column.type} in later rows, and {field.type} "
                "in the first: write the answers as CSV or JSON Lines"
            ) from None
    return pa.table(columns, schema=schema)
