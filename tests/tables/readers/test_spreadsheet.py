"""Excel workbooks."""

from __future__ import annotations

import io
import zipfile
from typing import Any
from xml.sax.saxutils import escape

import pytest

from errors import DatasetError
from tables.readers.spreadsheet import read_spreadsheet

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def sheet(rows: list[list[Any]]) -> str:
    lines = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    return f'<worksheet xmlns="{MAIN}"><sheetData>{lines}</sheetData></worksheet>'


def related(kind: str, *targets: str) -> str:
    lines = [
        f'<Relationship Id="r{i}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for i, target in enumerate(targets, 1)
    ]
    return f'<Relationships xmlns="{PACKAGE}">{"".join(lines)}</Relationships>'


def workbook(*sheets: list[list[Any]]) -> bytes:
    numbers = range(1, len(sheets) + 1)
    names = "".join(f'<sheet name="Sheet{i}" sheetId="{i}" r:id="r{i}"/>' for i in numbers)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("_rels/.rels", related("officeDocument", "xl/workbook.xml"))
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>',
        )
        paths = [f"worksheets/sheet{i}.xml" for i in numbers]
        archive.writestr("xl/_rels/workbook.xml.rels", related("worksheet", *paths))
        for path, rows in zip(paths, sheets, strict=True):
            archive.writestr(f"xl/{path}", sheet(rows))
    return out.getvalue()


ROWS: list[list[Any]] = [["a", "b"], [1, "x"], [2.5, None], [None, None], [3, "y"]]


def test_the_first_sheet_that_is_not_empty_is_read_and_said() -> None:
    table = read_spreadsheet(workbook([], ROWS, [["c", "d"], [1, 2]]))
    assert table.columns == {"a": ["1", "2.5", "3"], "b": ["x", "", "y"]}
    assert list(table.lines) == [2, 3, 5]
    assert table.notes == ("the sheet Sheet2 is read, of 3",)


def test_a_title_above_the_header_is_left_out() -> None:
    table = read_spreadsheet(workbook([["Report"], [], *ROWS]))
    assert list(table.columns) == ["a", "b"]
    assert list(table.lines) == [4, 5, 7]
    assert table.notes == ("the header is in line 3: one line of a title above it left out",)


def test_what_is_no_workbook_is_refused() -> None:
    with pytest.raises(DatasetError, match="the Excel workbook cannot be read"):
        read_spreadsheet(b"PK\x03\x04 nothing")
    with pytest.raises(DatasetError, match="the table is empty"):
        read_spreadsheet(workbook([]))
