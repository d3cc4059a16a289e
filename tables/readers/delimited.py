"""Delimited text to columns: by PyArrow where it is long and regular, else by the csv module.

Both give the same columns: PyArrow reads only what `is_regular` finds to be
written as the csv module demands, and whatever it stumbles over is read again.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from errors import DatasetError
from tables.dialect import Dialect
from tables.readers.assembly import (
    Column,
    Ragged,
    Rows,
    table_of,
    without_blank_rows,
    without_ragged,
)
from tables.readers.dialects import SAMPLE_RECORDS, find_dialect, records, skip_preamble
from tables.readers.encoding import to_utf8
from tables.readers.layout import Layout, find_layout
from tables.table import Table
from tables.texts import Texts, texts_of

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE_BYTES = 2**20
# From so many lines on, PyArrow and whole columns are quicker than the csv module: of the credit
# table's thirteen columns, 100 rows took 2.4 ms and 0.4 by the other, 4,000 rows 5 and 17.
MANY_LINES = 600
# Nor are fewer lines a matter of a cell at a time where they are this long together.
MUCH = 2**20
# The csv module's rows are packed into texts in blocks of so many.
BLOCK_ROWS = 50_000
# PyArrow holds a block in several forms at once: a body is read in smaller ones than a file.
_SMALLEST_BLOCK, _LARGEST_BLOCK = 2**18, 2**22
_BLOCKS = 16
_CHUNK = 2**24
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Source(NamedTuple):
    """Delimited text in UTF-8 from `line` on: its dialect, and the index of its header."""

    data: bytes
    dialect: Dialect
    line: int
    header: int


def read_delimited(data: bytes, skip_bad_lines: bool = False) -> Table:
    """Read delimited text into a table. Raises DatasetError, naming the line."""
    data, encoding = to_utf8(data)
    notes = [] if encoding in ("utf-8", "utf-16") else [f"the table is read as {encoding}"]
    if not data[:SAMPLE_BYTES].strip() and not data.strip():
        raise DatasetError("the table is empty")
    sample, whole = head_of(data)
    start, said, skipped = skip_preamble(sample)
    notes += _preamble_note(skipped, said)
    dialect = find_dialect(sample[start:], said, whole)
    lines, first = _first_records(sample[start:], dialect, skipped + 1, whole)
    layout = find_layout(lines, first)
    source = Source(data[len(sample[:start].encode()) :], dialect, skipped + 1, layout.header)
    rows = read_rows(source, layout.width, first[layout.header])
    if skip_bad_lines:
        rows, left_out = without_ragged(rows)
        notes += left_out
    table = table_of(rows, layout, lines[layout.header], notes)
    written = msgspec.structs.replace(dialect, encoding=encoding, row_names=layout.row_names)
    return replace(table, dialect=written)


class Found(NamedTuple):
    """How a text is written, by its first records, and the bytes before them."""

    start: int
    dialect: Dialect
    layout: Layout
    header: Sequence[str]


def layout_of(data: bytes) -> Found:
    """Find dialect and header of a text by its beginning, in UTF-8. Raises DatasetError."""
    sample, whole = head_of(data)
    start, said, skipped = skip_preamble(sample)
    dialect = find_dialect(sample[start:], said, whole)
    lines, first = _first_records(sample[start:], dialect, skipped + 1, whole)
    layout = find_layout(lines, first)
    return Found(len(sample[:start].encode()), dialect, layout, first[layout.header])


def head_of(data: bytes) -> tuple[str, bool]:
    """Return the beginning of a text, up to the end of a line, and whether that is all of it."""
    if len(data) <= SAMPLE_BYTES:
        return data.decode(), True
    head = data[:SAMPLE_BYTES]
    end = max(head.rfind(b"\n"), head.rfind(b"\r")) + 1
    return head[: end or None].decode("utf-8", "ignore"), False


def _preamble_note(skipped: int, said: str | None) -> list[str]:
    comments = skipped - (said is not None)
    if not comments:
        return []
    return [
        "a line of comment above the header is left out"
        if comments == 1
        else f"{comments} lines of comment above the header are left out"
    ]


def _first_records(
    sample: str, dialect: Dialect, line: int, whole: bool
) -> tuple[list[int], list[list[str]]]:
    lines, found = [], []
    try:
        for number, record in islice(records(sample, dialect, line), SAMPLE_RECORDS):
            lines.append(number)
            found.append(record)
    except DatasetError:
        if whole or not found:
            raise
    return lines, found


# ---------------------------------------------------------------- rows


def read_rows(source: Source, width: int, header: Sequence[str]) -> Rows:
    """Read the rows below the header. Raises DatasetError for what is no delimited text."""
    if _is_long(source.data) and width > 1:
        quick = _read_quickly(source, width, header)
        if quick is not None:
            return quick
    return _read_patiently(source, width, header)


def _is_long(data: bytes) -> bool:
    lines = max(data.count(b"\n"), data.count(b"\r"))
    return lines > MANY_LINES or len(data) > MUCH


def _read_patiently(source: Source, width: int, header: Sequence[str]) -> Rows:
    builder, lines, ragged = _Builder(width), [], []
    for index, (line, record) in enumerate(_records_below(source)):
        if len(record) > width and not any(map(str.strip, record[width:])):
            record = record[:width]
        if len(record) != width:
            ragged.append(Ragged(index, line, len(record)))
        elif record == header:
            raise DatasetError(f"row {index + 1} (line {line}) is the header again")
        else:
            lines.append(line)
            builder.add(record)
    return Rows(builder.columns(), lines, ragged)


def _records_below(source: Source) -> Iterator[tuple[int, list[str]]]:
    found = records(source.data.decode(), source.dialect, source.line)
    return islice(found, source.header + 1, None)


class _Builder:
    """Gathers rows into columns; those of long tables are packed as they come."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows: list[list[str]] = []
        self._blocks: list[list[Texts]] = []

    def add(self, row: list[str]) -> None:
        self._rows.append(row)
        if len(self._rows) == BLOCK_ROWS:
            self._blocks.append([texts_of(column) for column in self._columns()])
            self._rows = []

    def _columns(self) -> list[list[str]]:
        if not self._rows:
            return [[] for _ in range(self._width)]
        return [list(column) for column in zip(*self._rows, strict=True)]

    def columns(self) -> list[Column]:
        if not self._blocks:
            return list(self._columns())
        import pyarrow as pa

        blocks = [*self._blocks, [texts_of(column) for column in self._columns()]]
        chunks = (
            [c for texts in column for c in texts.array.chunks]
            for column in zip(*blocks, strict=True)
        )
        return [Texts(pa.chunked_array(column)) for column in chunks]


class _Lines(Sequence[int]):
    """The line of each row of a long table, found out when it is asked for."""

    def __init__(self, source: Source, rows: int) -> None:
        self._source, self._count = source, rows

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        return self._found[index]

    @cached_property
    def _found(self) -> list[int]:
        return [line for line, _ in islice(_records_below(self._source), self._count)]


# ---------------------------------------------------------------- by PyArrow


def _read_quickly(source: Source, width: int, header: Sequence[str]) -> Rows | None:
    """Read rows by PyArrow; None where they are not regular, or one is not as wide as others."""
    if source.dialect.escape or source.dialect.spaced:
        return None
    start = _start_of_rows(source)
    if start is None or not is_regular(source.data, start, source.dialect.delimiter):
        return None
    _check_memory(source.data, start, width)
    table = _parse(memoryview(source.data)[start:], width, source.dialect.delimiter)
    if table is None or _has(table, header):
        return None
    table, _ = without_blank_rows(table)
    lines = _Lines(source, table.num_rows)
    return Rows([Texts(column) for column in table.columns], lines, [])


def _start_of_rows(source: Source) -> int | None:
    """Return the byte at which the rows begin, after the header."""
    found = records(head_of(source.data)[0], source.dialect, 1)
    try:
        line = next(islice(found, source.header + 1, None), (0, []))[0]
    except DatasetError:
        return None
    if line < 2:
        return 0 if line else None
    end = next(islice(_LINE_END.finditer(source.data), line - 2, None), None)
    return end.end() if end else None


def is_regular(data: bytes, start: int, delimiter: str) -> bool:
    """Whether quotes stand only around cells and doubled within them, and each is closed."""
    if data.find(b'"', start) < 0:
        return True
    edges = np.zeros(256, dtype=bool)
    edges[[ord(delimiter), 10, 13]] = True
    inside = 0
    for chunk in _chunks(data, start):
        text = np.frombuffer(b"\n" + chunk + b"\n", dtype=np.uint8)
        quotes = np.flatnonzero(text == ord('"'))
        if not len(quotes):
            continue
        good, turns = _runs(text, quotes, edges, inside)
        if not good:
            return False
        inside = (inside + turns) % 2
    return not inside


def _runs(
    text: NDArray[np.uint8], quotes: NDArray[np.intp], edges: NDArray[np.bool_], inside: int
) -> tuple[bool, int]:
    """Check each run of quotes; return whether all are good, and how many open or close a cell."""
    breaks = np.flatnonzero(np.diff(quotes) > 1)
    first = quotes[np.append(0, breaks + 1)]
    last = quotes[np.append(breaks, len(quotes) - 1)]
    odd = (last - first + 1) % 2
    within = (inside + np.cumsum(odd) - odd) % 2 == 1
    begins, ends = edges[text[first - 1]], edges[text[last + 1]]
    good = np.where(within, ends | (odd == 0), begins & (ends | (odd == 1)))
    return bool(good.all()), int(odd.sum())


def _chunks(data: bytes, start: int) -> Iterator[bytes]:
    """Yield a text in chunks that end where a line does."""
    while start < len(data):
        end = data.rfind(b"\n", start, start + _CHUNK) + 1
        end = end or data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def _check_memory(data: bytes, start: int, width: int) -> None:
    """Raise MemoryError where PyArrow would end the process: some of its requests may not fail.

    It asks for the columns' texts and their offsets, and holds a few blocks meanwhile.
    """
    offsets = 4 * width * (data.count(b"\n", start) + 1)
    size = 2 * (len(data) - start) + offsets
    try:  # it is mapped and given back: no page of it is ever there
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError:
        raise MemoryError(f"{size} bytes to read the table") from None


def _parse(rows: memoryview, width: int, delimiter: str) -> pa.Table | None:
    import pyarrow as pa
    from pyarrow import csv

    names = [str(index) for index in range(width)]
    convert = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=True,
        null_values=[""],
        check_utf8=False,
    )
    parse = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    block = min(max(_SMALLEST_BLOCK, len(rows) // _BLOCKS), _LARGEST_BLOCK)
    while True:
        # Threads would outlive a fork, and a busy service has other use for its cores.
        read = csv.ReadOptions(column_names=names, use_threads=False, block_size=block)
        try:
            return csv.read_csv(pa.py_buffer(rows), read, parse, convert)
        except pa.ArrowCancelled:  # what PyArrow makes of a Ctrl-C while it reads
            raise KeyboardInterrupt from None
        except pa.ArrowInvalid as error:
            if "straddl" not in str(error) or block > len(rows):
                return None
            block *= 8


def _has(table: pa.Table, header: Sequence[str]) -> bool:
    """Whether the header's first cells stand again among the rows."""
    import pyarrow.compute as pc

    first = next((i for i, name in enumerate(header) if name), None)
    if first is None or first >= table.num_columns:
        return False
    return bool(pc.any(pc.equal(table.column(first), header[first])).as_py())
