"""What bytes are: unpacked where they are packed, within bounds, and named where no table."""

from __future__ import annotations

import gzip
import io
import zipfile
from contextlib import suppress
from functools import partial

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import DatasetError
from tables.readers import read_table
from tables.readers.contents import MOST_BYTES, kind_of, unpacked

# The same bytes in every process.
pack = partial(gzip.compress, mtime=0)

TEXT = b"a,b\n1,x\n2,y\n"


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return packed.getvalue()


def zstd(data: bytes) -> bytes:
    stream = pa.BufferOutputStream()
    with pa.CompressedOutputStream(stream, "zstd") as packed:
        packed.write(data)
    return bytes(stream.getvalue())


@pytest.mark.parametrize(
    "packed",
    [
        TEXT,
        pack(TEXT),
        pack(TEXT[:6]) + pack(TEXT[6:]),
        zstd(TEXT),
        zipped(table=TEXT),
        zipped(folder__table=TEXT),
    ],
)
def test_a_packed_table_is_read_as_the_table(packed):
    assert unpacked(packed) == TEXT
    assert read_table(io.BytesIO(packed)).columns == {"a": ["1", "2"], "b": ["x", "y"]}


def test_what_macos_adds_to_an_archive_does_not_count():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("t.csv", TEXT)
        archive.writestr("__MACOSX/._t.csv", b"x")
        archive.writestr(".DS_Store", b"x")
    assert unpacked(packed.getvalue()) == TEXT


@pytest.mark.parametrize("pack", [gzip.compress, zstd, lambda data: zipped(t=data)])
def test_nothing_is_unpacked_beyond_its_limit(pack):
    assert MOST_BYTES == 2 * 2**30
    assert unpacked(pack(b"x" * 5000), 5000) == b"x" * 5000
    with pytest.raises(DatasetError, match="more than 4999 bytes"):
        unpacked(pack(b"x" * 5000), 4999)


def test_a_zip_archive_that_says_less_than_it_holds_is_bounded_too():
    data = bytearray(zipped(t=b"x" * 100_000))
    size = (100_000).to_bytes(4, "little")
    lying = bytes(data).replace(size, (10).to_bytes(4, "little"))
    with pytest.raises(DatasetError):
        unpacked(lying, 1000)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"%PDF-1.7 x", "a PDF"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
        (b"\n <!DOCTYPE html><html>", "an HTML page"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"\xd0\xcf\x11\xe0\xa1", ".xls"),
        (b"\x80\x05\x95", "a pickle"),
        (b"BZh91AY", "bzip2"),
        (b"x" * 257 + b"ustar" + b"x" * 300, "a tar archive"),
        (pack(pack(TEXT)), "packed twice"),
        (pack(TEXT)[:-9], "cut short"),
        (pack(TEXT)[:10] + b"\xff\xff\xff\xff", "damaged"),
        (zstd(TEXT)[:-3], "damaged or cut short"),
        (b"PK\x03\x04 nothing", "damaged"),
        (zipped(a=TEXT, b=TEXT), "holds 2 files"),
        (zipped(**{"word/document.xml": b""}), "a Word document"),
        (zipped(**{"xl/workbook.bin": b""}), ".xlsb"),
    ],
)
def test_what_is_no_table_is_named(data, what):
    with pytest.raises(DatasetError, match=what) as refused:
        read_table(io.BytesIO(data))
    assert "\n" not in str(refused.value)


@settings(deadline=None)
@given(st.binary(max_size=40), st.integers(0, 200), st.sampled_from([zipped(t=TEXT), zstd(TEXT)]))
def test_a_damaged_archive_is_refused_or_read(noise, where, packed):
    damaged = packed[:where] + noise + packed[where + len(noise) :]
    with suppress(DatasetError):
        unpacked(damaged, 1000)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"PAR1...", "parquet"),
        (b"ARROW1..", "arrow"),
        (b"\xef\xbb\xbf [1]", "json"),
        (b"a,b", "text"),
    ],
)
def test_the_kind_is_known_by_its_first_bytes(data, kind):
    assert kind_of(data) == kind


def workbook(*cells: str) -> bytes:
    """A workbook of these cells, as little of one as reads."""
    rows = "".join(f'<row><c r="{cell}"><v>1</v></c></row>' for cell in cells)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", f"<sheetData>{rows}</sheetData>")
    return file.getvalue()


def test_a_cell_that_stands_far_out_is_refused_before_room_is_made_for_it():
    assert unpacked(workbook("A1", "B2", "AA1000")) == workbook("A1", "B2", "AA1000")
    with pytest.raises(DatasetError, match="reaches to row 1048576 and column 16384"):
        unpacked(workbook("A1", "XFD1048576"))


def test_a_member_without_a_name_is_none():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("t.csv", "a,b\n1,x\n")
        archive.writestr(zipfile.ZipInfo(""), b"")
    assert unpacked(file.getvalue()) == b"a,b\n1,x\n"
