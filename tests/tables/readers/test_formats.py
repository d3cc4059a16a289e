"""Formats that know their columns: Parquet, Arrow, Excel, JSON and JSON Lines."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather, ipc, parquet

from errors import DatasetError
from tables.dataset import read_dataset
from tables.readers import read_table
from tables.rows import RowCodec

COLUMNS = {
    "age": [29.0, 0.916700006, None] * 20,
    "count": [1, 2, 3] * 20,
    "sex": ["male", "female", None] * 20,
    "vip": [True, False, None] * 20,
    "label": ["yes", "no", "no"] * 20,
}


def written(kind: str) -> bytes:
    table, out = pa.table(COLUMNS), io.BytesIO()
    if kind == "parquet":
        parquet.write_table(table, out)
    elif kind == "feather":
        feather.write_feather(table, out)
    elif kind == "stream":
        with ipc.new_stream(out, table.schema) as stream:
            stream.write_table(table)
    elif kind == "lines":
        out.write("\n".join(json.dumps(row) for row in table.to_pylist()).encode())
    elif kind == "list":
        out.write(json.dumps(table.to_pylist(), indent=1).encode())
    elif kind == "columns":
        out.write(json.dumps(COLUMNS).encode())
    elif kind == "csv":
        rows = zip(*COLUMNS.values(), strict=True)
        lines = [",".join("" if v is None else str(v) for v in row) for row in rows]
        out.write("\n".join([",".join(COLUMNS), *lines]).encode())
    return out.getvalue()


def read(data: bytes):
    return read_table(io.BytesIO(data))


@pytest.mark.parametrize("kind", ["parquet", "feather", "stream", "lines", "list", "columns"])
def test_every_format_makes_the_dataset_that_csv_makes(kind):
    found = read_dataset(read(written(kind)), "label")
    same = read_dataset(read(written("csv")), "label")
    assert found.schema == same.schema
    assert found.digest == same.digest


def test_dates_of_a_typed_column_are_the_texts_of_a_file():
    table = pa.table(
        {"d": [date(2024, 1, 31)], "t": [datetime.fromisoformat("2024-01-31T06:30")], "x": [1]}
    )
    out = io.BytesIO()
    parquet.write_table(table, out)
    columns = read(out.getvalue()).columns
    assert list(columns["d"]) == ["2024-01-31"]
    assert columns["t"][0].startswith("2024-01-31 06:30:00")


MAIN = "http://schemas.openxmlformats.org"
SHEET = f"{MAIN}/spreadsheetml/2006/main"
PACKAGE = f"{MAIN}/package/2006"
PART = f"{MAIN}/officeDocument/2006/relationships"
KIND = "application/vnd.openxmlformats"
WORKBOOK = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
    f'ContentType="{KIND}-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
    f'ContentType="{KIND}-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r" '
    f'Type="{PART}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r0" Type="{PART}/worksheet" Target="sheet.xml"/>'
    f'<Relationship Id="r1" Type="{PART}/styles" Target="styles.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{PART}"><sheets>'
    '<sheet name="a" sheetId="1" r:id="r0"/></sheets></workbook>',
    # A date, a moment and a time of day.
    "xl/styles.xml": f'<styleSheet xmlns="{SHEET}"><cellXfs><xf numFmtId="0"/>'
    '<xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="20"/></cellXfs></styleSheet>',
}


def workbook(rows: list[list[tuple[str, int]]]) -> bytes:
    """A workbook of one sheet; a cell is a number and its style, or a word and 0."""
    sheet = "".join(f"<row>{''.join(map(written_cell, row))}</row>" for row in rows)
    made = f'<worksheet xmlns="{SHEET}"><sheetData>{sheet}</sheetData></worksheet>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, text in {**WORKBOOK, "xl/sheet.xml": made}.items():
            packed.writestr(name, f'<?xml version="1.0"?>{text}')
    return out.getvalue()


def written_cell(cell: tuple[str, int]) -> str:
    value, style = cell
    if not style:
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c s="{style}"><v>{value}</v></c>'


def test_a_workbook_s_dates_and_times_are_dates():
    names = [(name, 0) for name in ("day", "moment", "clock", "y")]
    rows = [
        [
            (str(45292 + i), 1),
            (str(45292 + i + 0.25), 2),
            (str((1 + i % 23) / 24), 3),
            ("ab"[i % 2], 0),
        ]
        for i in range(30)
    ]
    schema = read_dataset(read(workbook([names, *rows])), "y").schema
    found = {f.name: (f.dates.shape, f.dates.first) for f in schema.features if f.dates}
    assert found == {
        "day": ("date", "2024-01-01"),
        "moment": ("date", "2024-01-01T06:00:00"),
        "clock": ("clock", "01:00:00"),
    }
    row = {"day": "2024-01-05", "moment": "2024-01-05T06:00:00Z", "clock": "6:30 PM"}
    assert RowCodec(schema).encode_objects([row]).matrix.shape == (1, len(schema.numeric))


def test_the_index_that_pandas_adds_is_left_out():
    out = io.BytesIO()
    parquet.write_table(pa.table({"__index_level_0__": [5, 6], "a": [1, 2]}), out)
    table = read(out.getvalue())
    assert list(table.columns) == ["a"]
    assert table.notes == ("the index of pandas is left out",)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (written("parquet")[:-10], "the Parquet file is damaged"),
        (written("feather")[:-10], "the Arrow data is damaged"),
        (b"[]", "the table is empty"),
        (b'[{"a":1},2]', "row 2 of the JSON is no object"),
        (b'[{"a":1},{"a":[2]}]', "column a, row 2: a list or an object"),
        (b'{"a":1,"b":2}', "the JSON is no table"),
        (b'{"a":[1,2],"b":[1]}', "not all of one length"),
    ],
)
def test_what_is_no_table_is_refused(data, why):
    with pytest.raises(DatasetError, match=why):
        read(data)


def test_texts_that_are_not_utf_8_are_refused():
    out = io.BytesIO()
    wrong = pa.array([b"\xff\xfe", b"b"]).view(pa.string())
    parquet.write_table(pa.table({"a": wrong, "b": [1, 2]}), out)
    with pytest.raises(DatasetError, match="column a has texts that are not UTF-8"):
        read(out.getvalue())


def test_a_csv_file_may_begin_like_json():
    assert read(b"[a],{b}\n1,x\n").columns == {"[a]": ["1"], "{b}": ["x"]}


CASES = Path(__file__).resolve().parents[4] / "shared" / "cases"


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not beside this checkout")
def test_the_same_table_in_four_formats_is_the_same():
    tables = [read_table(CASES / "formats" / f"table.{kind}") for kind in ("xlsx", "csv.gz")]
    first, second = (read_dataset(table, "survived") for table in tables)
    assert first.digest == second.digest
