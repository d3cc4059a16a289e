"""Reads any table: from a file, or the bytes of one, to columns of texts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from errors import DatasetError
from tables.cells import is_number, to_cells
from tables.table import Table

DELIMITERS = (",", ";", "\t")
# The delimiter is the one under which this many first records look most like a table.
SAMPLE_RECORDS = 100
LONGEST_HEADING = 200

_DECIMAL_COMMA = re.compile(r"\s*[+-]?[0-9]+(?:,[0-9]+)?\s*")


def read_table(source: str | Path | BinaryIO) -> Table:
    """Read a CSV file, or an open binary stream of one, into a table.

    UTF-8 with or without byte order mark; the delimiter is whichever of comma,
    semicolon and tab makes a table of it; rows without any value are passed
    over. Where the delimiter is not a comma, a column of numbers with decimal
    commas is read as numbers. Lines are counted from 1, the header's, and rows
    from 1, the first under the header.

    Raises DatasetError, naming the line, for what is not such a table.
    """
    text = _decode(_read_bytes(source))
    delimiter = _delimiter_of(text)
    records = _records(text, delimiter)
    line, header = next(records)
    names = _names(header)
    lines, rows = _rows(records, header)
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    if not rows:
        raise DatasetError(f"the table has no rows under its header, line {line}")
    _check_header(columns, line)
    commas = _with_points(columns) if delimiter != "," else []
    notes = tuple(f"{name} has decimal commas, read as points" for name in commas)
    return Table(columns, lines, notes)


def _read_bytes(source: str | Path | BinaryIO) -> bytes:
    if not isinstance(source, str | Path):
        return source.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read the table {source}: {error.strerror}") from None


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"the table is not UTF-8: line {line} has a byte that cannot be; save it as UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DatasetError(f"the table is not text: line {line} has a zero byte")
    if not text.strip():
        raise DatasetError("the table is empty")
    return text


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that has a value, with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise DatasetError(
                f"the table cannot be read at line {line}: {_reason(error)}"
            ) from None
        if record is None:
            return
        if any(cell.strip() for cell in record):
            yield line, record
        line = reader.line_num + 1


def _reason(error: csv.Error) -> str:
    if "field larger" in str(error):
        limit = csv.field_size_limit()
        return f"a cell is longer than {limit} characters; is a quote never closed?"
    if "end of data" in str(error):
        return "a quote is never closed"
    return "a quoted cell goes on after its closing quote"


def _delimiter_of(text: str) -> str:
    best = max(DELIMITERS, key=lambda delimiter: _fit(text, delimiter))
    if _fit(text, best) <= (0, 0):
        # Reading it says where a quote is at fault, if that is why.
        for _ in _records(text, DELIMITERS[0]):
            pass
        raise DatasetError("the table has one column: no comma, semicolon or tab parts its header")
    return best


def _fit(text: str, delimiter: str) -> tuple[float, int]:
    """Return how well a delimiter fits: the share of records as wide as the header, its width."""
    widths: list[int] = []
    try:
        for _, record in _records(text, delimiter):
            widths.append(len(record))
            if len(widths) == SAMPLE_RECORDS:
                break
    except DatasetError:
        # Only the first records count: a fault further down is reported by line later.
        pass
    if not widths or widths[0] < 2:
        return (0.0, 0)
    return (widths.count(widths[0]) / len(widths), widths[0])


def _names(header: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    for index, name in enumerate(names):
        if not name:
            raise DatasetError(f"the header has no name for column {index + 1}")
        if not name.isprintable():
            raise DatasetError(f"the header's name for column {index + 1} has a control character")
        if len(name) > LONGEST_HEADING:
            raise DatasetError(
                f"the header's name for column {index + 1} is longer than "
                f"{LONGEST_HEADING} characters"
            )
        if name in names[:index]:
            both = f"columns {names.index(name) + 1} and {index + 1}"
            raise DatasetError(f"the header names {name} twice: {both}")
    return names


def _rows(
    records: Iterator[tuple[int, list[str]]], header: list[str]
) -> tuple[list[int], list[list[str]]]:
    lines: list[int] = []
    rows: list[list[str]] = []
    for line, record in records:
        where = f"row {len(rows) + 1} (line {line})"
        if len(record) != len(header):
            raise DatasetError(f"{where} has {len(record)} cells, the header {len(header)}")
        if record == header:
            raise DatasetError(f"{where} is the header again")
        lines.append(line)
        rows.append(record)
    return lines, rows


def _check_header(columns: Mapping[str, list[str]], line: int) -> None:
    """Raise DatasetError when most names would do as values of their columns."""
    alike = sum(_could_be_a_value(name, cells) for name, cells in columns.items())
    if alike > len(columns) / 2:
        raise DatasetError(f"the table has no header: line {line} looks like a row of data")


def _could_be_a_value(name: str, cells: list[str]) -> bool:
    if is_number(name):
        values = [cell for cell in to_cells(cells) if cell is not None]
        return all(map(is_number, values))
    return name in {cell.strip() for cell in cells}


def _with_points(columns: dict[str, list[str]]) -> list[str]:
    """Put points for the decimal commas of numbers; return the names of those columns."""
    changed = []
    for name, cells in columns.items():
        values = [cell for cell in to_cells(cells) if cell is not None]
        if any("," in v for v in values) and all(map(_DECIMAL_COMMA.fullmatch, values)):
            columns[name] = [cell.replace(",", ".") for cell in cells]
            changed.append(name)
    return changed
