"""Parquet and Arrow to columns of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from errors import DatasetError
from tables.table import Table
from tables.texts import Texts

if TYPE_CHECKING:
    import pyarrow as pa


def read_parquet(data: bytes) -> Table:
    """Read a Parquet file. Raises DatasetError."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return from_arrow(parquet.read_table(pa.BufferReader(data), use_threads=False))
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise DatasetError("the Parquet file is damaged or cut short") from None


def read_arrow(data: bytes) -> Table:
    """Read an Arrow file (Feather) or stream. Raises DatasetError."""
    import pyarrow as pa
    from pyarrow import ipc

    opened = ipc.open_file if data.startswith(b"ARROW1") else ipc.open_stream
    try:
        with opened(pa.BufferReader(data)) as reader:
            return from_arrow(reader.read_all())
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise DatasetError("the Arrow data is damaged or cut short") from None


def from_arrow(table: pa.Table) -> Table:
    """Return Arrow's columns as the texts that a CSV file would have. Raises DatasetError."""
    names = [name for name in table.column_names if not name.startswith("__index_level_")]
    if len(set(names)) < len(names):
        raise DatasetError("the table has two columns of one name")
    left_out = len(names) < table.num_columns
    columns = {name: texts_of_column(name, table.column(name)) for name in names}
    if not columns or not table.num_rows:
        raise DatasetError("the table is empty")
    return Table(columns, (), ("the index of pandas is left out",) if left_out else ())


def without_views(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without views of texts and bytes, which few of Arrow's functions take.

    Polars writes its texts so, and the words of its categories.
    """
    import pyarrow as pa

    plain = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
    if column.type in plain:
        return column.cast(plain[column.type])
    if not pa.types.is_dictionary(column.type) or column.type.value_type not in plain:
        return column
    words = plain[column.type.value_type]
    ordered = column.type.ordered
    return pa.chunked_array(
        (
            pa.DictionaryArray.from_arrays(c.indices, c.dictionary.cast(words), ordered=ordered)
            for c in column.chunks
        ),
        pa.dictionary(column.type.index_type, words, ordered),
    )


def texts_of_column(name: str, column: pa.ChunkedArray) -> Texts:
    """Return a column as the texts that a CSV file would have for it. Raises DatasetError."""
    import pyarrow as pa

    try:
        texts = without_views(column).cast(pa.string())
    except pa.ArrowException:
        raise DatasetError(
            f"column {name} holds {column.type}, which is neither a number, a word nor a date"
        ) from None
    try:
        texts.validate(full=True)
    except pa.ArrowException:
        raise DatasetError(f"column {name} has texts that are not UTF-8") from None
    return Texts(texts)
