"""Any file, or the bytes of a request, to columns of texts.

One reader for learning, uploads, scoring and the tables that requests hold.
`contents` says what bytes are and unpacks them, `encoding` makes UTF-8 of
them, `dialects` finds delimiter and quoting, `layout` the header, and
`delimited` reads; `spreadsheet`, `columnar` and `json_lines` read the others.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import IO

from errors import DatasetError
from tables.readers import columnar, contents, delimited, json_lines, spreadsheet
from tables.table import Table

_READERS = {
    "parquet": columnar.read_parquet,
    "arrow": columnar.read_arrow,
}


def read_table(
    source: str | Path | IO[bytes],
    *,
    decimal: str | None = None,
    day_first: bool | None = None,
    skip_bad_lines: bool = False,
    sheet: str | None = None,
) -> Table:
    """Read a file, or an open binary stream of one, into a table.

    What it is, its contents say: text parted by comma, semicolon, tab or bar,
    plain or within gzip, zstd or zip; an Excel workbook (.xlsx), Parquet,
    Arrow, JSON or JSON Lines. Lines are counted from 1, and rows from 1, the
    first under the header. A row with more or fewer cells than the header is
    refused, or with `skip_bad_lines` left out. `decimal`, a point or a comma, says
    how numbers such as 1.167 are meant where the table leaves it open, and
    `day_first` whether 01/05/2024 is in May; `sheet` names that of a workbook, the
    first that is not empty otherwise.

    Raises DatasetError, naming the line, for what is not such a table.
    """
    if decimal not in (None, ".", ","):
        raise DatasetError("decimal: expected a point or a comma")
    table = _read(contents.unpacked(_read_bytes(source)), skip_bad_lines, sheet)
    return replace(table, decimal=decimal, day_first=day_first)


def _read(data: bytes, skip_bad_lines: bool, sheet: str | None) -> Table:
    kind = contents.kind_of(data)
    if kind == "spreadsheet":
        return spreadsheet.read_spreadsheet(data, sheet)
    if sheet is not None:
        raise DatasetError("sheet: the table is no Excel workbook, which alone has sheets")
    if kind in _READERS:
        return _READERS[kind](data)
    if kind == "json" and (table := json_lines.read_json(data)) is not None:
        return table
    return delimited.read_delimited(data, skip_bad_lines)


def _read_bytes(source: str | Path | IO[bytes]) -> bytes:
    if not isinstance(source, str | Path):
        return source.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read the table {source}: {error.strerror}") from None
