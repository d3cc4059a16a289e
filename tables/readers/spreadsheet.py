"""An Excel workbook (.xlsx) to columns of texts."""

from __future__ import annotations

from typing import Any

from errors import DatasetError
from tables.readers.assembly import Rows, table_of, without_blank_rows
from tables.readers.dialects import SAMPLE_RECORDS
from tables.readers.layout import find_layout
from tables.table import Table
from tables.texts import Texts


def read_spreadsheet(data: bytes, chosen: str | None = None) -> Table:
    """Read the sheet of a name, or the first that is not empty. Raises DatasetError."""
    import fastexcel

    try:
        book = fastexcel.read_excel(data)
        names = book.sheet_names
        if chosen is not None and chosen not in names:
            raise DatasetError(f"the workbook has no sheet of that name; it has {', '.join(names)}")
        sheets = (
            (name, book.load_sheet(name, header_row=None, dtypes="string").to_arrow())
            for name in (names if chosen is None else [chosen])
        )
        name, sheet = next(((n, s) for n, s in sheets if s.num_rows), (None, None))
    except fastexcel.FastExcelError:
        raise DatasetError("the Excel workbook cannot be read: it is damaged or locked") from None
    if sheet is None:
        raise DatasetError("the table is empty")
    notes = (f"the sheet {name} is read, of {len(names)}",) if len(names) > 1 else ()
    return _table(sheet, notes)


def _table(sheet: Any, notes: tuple[str, ...]) -> Table:
    import pyarrow as pa

    head = _head(sheet)
    above = [index for index, row in enumerate(head) if any(row)]
    layout = find_layout([index + 1 for index in above], [head[index] for index in above])
    start = above[layout.header] + 1
    rows, kept = without_blank_rows(pa.table(sheet)[start:])
    columns = [Texts(column) for column in rows.columns]
    return table_of(Rows(columns, (kept + start + 1).tolist(), []), layout, start, notes)


def _head(sheet: Any) -> list[list[str]]:
    columns = [column[:SAMPLE_RECORDS].to_pylist() for column in sheet.columns]
    return [[cell or "" for cell in row] for row in zip(*columns, strict=True)]
