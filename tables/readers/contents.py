"""What bytes are, by what they begin with; and what is packed in them."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import IO, Literal

from errors import DatasetError
from tables.readers.gzipped import MAGIC, gunzip

Kind = Literal["text", "json", "spreadsheet", "parquet", "arrow"]

# A packed file may hold no more than this.
MOST_BYTES = 2 * 2**30
_CHUNK = 2**20
# Excel's own sheets have 17 billion cells; a reader makes room for all up to the last one used.
MOST_CELLS = 200_000_000
_CELL = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_LONGEST_CELL = 16
# What zipfile raises, beside its own, for an archive that points beyond its end.
_CUT_SHORT = (EOFError, ValueError, OSError)

_GZIP, _ZSTD, _ZIP = MAGIC, b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_KINDS: tuple[tuple[bytes, Kind], ...] = (
    (_ZIP, "spreadsheet"),
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"\xff\xff\xff\xff", "arrow"),
)
_AS_CSV = "save the table as CSV, .xlsx or Parquet"
# What else people send, and what to do about it.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", f"a PDF; {_AS_CSV}"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself; run git lfs pull"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of 97-2003 (.xls); save it as .xlsx"),
    (b"SQLite format 3\0", f"an SQLite database; {_AS_CSV}"),
    (b"\x89HDF", f"an HDF5 file; {_AS_CSV}"),
    (b"\x93NUMPY", f"a NumPy array; {_AS_CSV}"),
    (b"\x80\x02", f"a pickle; {_AS_CSV}"),
    (b"\x80\x03", f"a pickle; {_AS_CSV}"),
    (b"\x80\x04", f"a pickle; {_AS_CSV}"),
    (b"\x80\x05", f"a pickle; {_AS_CSV}"),
    (b"RDX", f"an R workspace; {_AS_CSV}"),
    (b"X\n\0\0\0", f"an R object (.rds); {_AS_CSV}"),
    (b"<stata_dta>", f"a Stata file; {_AS_CSV}"),
    (b"$FL2", f"an SPSS file; {_AS_CSV}"),
    (b"Obj\x01", f"an Avro file; {_AS_CSV}"),
    (b"ORC", f"an ORC file; {_AS_CSV}"),
    (b"FEA1", f"a Feather file of version 1; {_AS_CSV}"),
    (b"\xfd7zXZ", "packed with xz; unpack it, or pack it with gzip"),
    (b"BZh", "packed with bzip2; unpack it, or pack it with gzip"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x7fELF", "a program"),
)
_MARKUP = ((b"<!doctype html", "an HTML page"), (b"<html", "an HTML page"), (b"<?xml", "XML"))


def unpacked(data: bytes, limit: int = MOST_BYTES) -> bytes:
    """Return the table's own bytes, taken out of gzip, zstd or zip where they are packed.

    Raises DatasetError for bytes that are no table's, naming what they are, and
    for those that unpack to more than `limit`.
    """
    once = _unpacked(data, limit)
    if once is not data and _unpacked(once, limit) is not once:
        raise DatasetError("the table cannot be read: it is packed twice; unpack it once")
    refuse_others(once)
    return once


def _unpacked(data: bytes, limit: int) -> bytes:
    """Return what is packed in bytes, or the bytes themselves."""
    for start, unpack in ((_GZIP, _gunzipped), (_ZSTD, _unzstd), (_ZIP, _unzipped)):
        if data.startswith(start):
            return unpack(data, limit)
    return data


def kind_of(data: bytes) -> Kind:
    """Say what kind of file unpacked bytes are."""
    for start, kind in _KINDS:
        if data.startswith(start):
            return kind
    first = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return "json" if first in (b"{", b"[") else "text"


def refuse_others(data: bytes) -> None:
    """Raise DatasetError for bytes that are no table's, naming what they are."""
    for start, what in _OTHERS:
        if data.startswith(start):
            raise DatasetError(f"the table cannot be read: this is {what}")
    head = data[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, what in _MARKUP:
        if head.startswith(start):
            raise DatasetError(f"the table cannot be read: this is {what}; {_AS_CSV}")
    if data[257:262] == b"ustar":
        raise DatasetError("the table cannot be read: this is a tar archive; unpack it")


def _too_large(limit: int) -> DatasetError:
    return DatasetError(f"the table unpacks to more than {limit} bytes")


def _gunzipped(data: bytes, limit: int) -> bytes:
    """Return what every member of a gzip file holds; what may follow them is left."""
    try:
        return gunzip(data, limit)[0]
    except OverflowError:
        raise _too_large(limit) from None
    except zlib.error:
        raise DatasetError("the gzip file is damaged") from None
    except ValueError as error:
        raise DatasetError(f"the gzip file {error}") from None


def _unzstd(data: bytes, limit: int) -> bytes:
    import pyarrow as pa

    found = io.BytesIO()
    try:
        with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
            while chunk := stream.read(_CHUNK):
                found.write(chunk)
                if found.tell() > limit:
                    raise _too_large(limit)
    except OSError:
        raise DatasetError("the zstd file is damaged or cut short") from None
    return found.getvalue()


def _unzipped(data: bytes, limit: int) -> bytes:
    """Return the one file of a zip archive; a workbook, such an archive too, stays as it is."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [i for i in archive.infolist() if is_table(i.filename)]
            if sum(info.file_size for info in names) > limit:
                raise _too_large(limit)
            if any(info.filename == "xl/workbook.xml" for info in names):
                _check_extent(archive, names)
                return data
            _refuse_documents({info.filename for info in names})
            if len(names) != 1:
                raise DatasetError(
                    f"the zip archive holds {len(names)} files; expected one, the table"
                )
            with archive.open(names[0]) as member:
                found = member.read(limit + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, *_CUT_SHORT):
        raise DatasetError("the zip archive is damaged or encrypted") from None
    if len(found) > limit:
        raise _too_large(limit)
    return found


def _check_extent(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> None:
    """Raise DatasetError for a sheet with a cell so far out that what lies between fills memory."""
    for member in members:
        if member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml"):
            with archive.open(member) as sheet:
                columns, rows = _extent(sheet)
            if columns * rows > MOST_CELLS:
                raise DatasetError(
                    f"a sheet of the workbook reaches to row {rows} and column {columns}: "
                    f"more than {MOST_CELLS} cells; delete the cells that stand far out"
                )


def _extent(sheet: IO[bytes]) -> tuple[int, int]:
    """Return the last column and the last row of a sheet's cells."""
    columns, rows, rest = 0, 0, b""
    while piece := sheet.read(_CHUNK):
        for letters, number in _CELL.findall(rest + piece):
            columns = max(columns, sum(26**i * (c - 64) for i, c in enumerate(letters[::-1])))
            rows = max(rows, int(number))
        rest = piece[-_LONGEST_CELL:]
    return columns, rows


def is_table(name: str) -> bool:
    """Whether a member is meant: no folder, and none of those that macOS adds to an archive."""
    last = name.rsplit("/", 1)[-1]
    return bool(last) and not last.startswith(".") and not name.startswith("__MACOSX/")


def _refuse_documents(names: set[str]) -> None:
    for name, what in (
        ("xl/workbook.bin", "an Excel binary workbook (.xlsb); save it as .xlsx"),
        ("word/document.xml", f"a Word document; {_AS_CSV}"),
        ("META-INF/manifest.xml", "an OpenDocument file; save it as .xlsx or CSV"),
    ):
        if name in names:
            raise DatasetError(f"the table cannot be read: this is {what}")
