"""The bytes of a request to columns: read as the file that the model was learnt from.

The model's schema says which names a header may have and how its file was
written, so that one row is read as the same row in that file was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from itertools import islice
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from errors import DatasetError, ParseError, RowProblem, RowsError, TooManyRows
from tables.dialect import PLAIN_DIALECT, Dialect
from tables.json_text import MOST_ROWS, check_row, is_long, too_many
from tables.readers.assembly import Rows, without_total
from tables.readers.delimited import Source, head_of, read_rows
from tables.readers.dialects import DELIMITERS, Malformed, records, skip_preamble, spaced
from tables.readers.encoding import first_not_utf8, to_utf8
from tables.readers.layout import numbered
from tables.rows import rejected
from tables.schema import Schema

# A header is looked for in so many first records.
HEAD_RECORDS = 20
# Lines within quotes and empty ones are lines, too.
LINES_A_ROW = 4
# So many bytes are searched for them at a time.
BLOCK = 2**20
EMPTY = "the body is empty; expected CSV"
# What a client may call an encoding, and Python's name for it. No others: some of Python's are no
# encodings of text, or are slow on purpose-made bytes.
CHARSETS = {
    "utf-8": "utf-8",
    "us-ascii": "utf-8",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "iso-8859-1": "latin-1",
    "iso-8859-15": "iso-8859-15",
    "latin1": "latin-1",
}
# What a text parted by any delimiter has where no cell has a value.
BLANK = b' \t\r\n",;|'


class Body(NamedTuple):
    """The columns of a body by name, and the dialect that it is written in."""

    columns: dict[str, Sequence[str]]
    dialect: Dialect


class _Heading(NamedTuple):
    """A record that may be the header: how many of its names are known."""

    named: int
    record: int
    cells: list[str]
    dialect: Dialect


def read_body(
    body: bytes,
    schema: Schema,
    *,
    header: bool = True,
    charset: str = "",
    most_rows: int = MOST_ROWS,
) -> Body:
    """Read delimited text with a header, or, without `header`, perhaps with none.

    Rows without a header have the features in their order. `charset` is what the
    client calls the encoding; without one it is UTF-8, or that of the model's file.
    Raises ParseError
    for bytes that are no such table, RowsError for rows that have more or fewer
    cells than the header, TooManyRows for more than `most_rows`, or a longer line than
    a row may have.
    """
    model = schema.dialect or PLAIN_DIALECT
    names = [feature.name for feature in schema.features]
    known = {*names, schema.target.name, *schema.ignored, *schema.aliases}
    try:
        data = _utf8(_said(body, charset), model)
        if is_long(data):
            _check_lines(data, most_rows)
        start, said, _ = skip_preamble(head_of(data)[0])
        data = data[len(head_of(data)[0][:start].encode()) :]
        heading = _heading(data, known, _dialects(data, model, said))
        if header or 2 * heading.named >= len(heading.cells):
            return _with_header(data, heading, known)
        return _headerless(data, names, _dialects(data, model, said))
    except Malformed as error:
        raise ParseError(f"the body is not CSV: {error.fault}") from None
    except DatasetError as error:
        raise ParseError(str(error).replace("the table", "the body", 1)) from None


def _said(body: bytes, charset: str) -> bytes:
    """Return a body whose client says that it is not UTF-8 as UTF-8."""
    codec = CHARSETS.get(charset.lower())
    if charset and codec is None:
        raise ParseError(f"charset: expected one of {', '.join(CHARSETS)}")
    if codec in (None, "utf-8", "utf-16"):  # UTF-16 with its mark is known without being said
        return body
    try:
        return body.decode(codec).removeprefix("\ufeff").encode()
    except UnicodeDecodeError as error:
        raise ParseError(f"the body is not {charset.lower()}: byte {error.start}") from None


def _utf8(body: bytes, model: Dialect) -> bytes:
    """Return the body in UTF-8; it has a mark, or the encoding of the model's file, if another."""
    data = body.removeprefix(b"\xef\xbb\xbf")
    marked = body.startswith((b"\xff\xfe", b"\xfe\xff"))
    if marked or model.encoding not in ("utf-8", "utf-16"):
        data = to_utf8(body).data
    elif (wrong := first_not_utf8(data)) is not None:
        raise ParseError(f"the body is not UTF-8: byte {wrong}")
    # What strip returns is as long as the body.
    if not data[:BLOCK].strip(BLANK) and not data.strip(BLANK):
        raise ParseError(EMPTY)
    return data


def _check_lines(data: bytes, most_rows: int) -> None:
    """Count lines and the longest before any is read. Raises TooManyRows."""
    if max(data.count(b"\n"), data.count(b"\r")) > LINES_A_ROW * most_rows:
        raise TooManyRows(too_many(most_rows))
    lengths = np.diff(_line_ends(data), prepend=-1, append=len(data)) - 1
    check_row(int(lengths.max()))
    # A line within quotes, or an empty one, is no row.
    rows = int((lengths > 0).sum()) - HEAD_RECORDS
    if b'"' not in data and rows > most_rows:
        raise TooManyRows(too_many(most_rows))


def _line_ends(data: bytes) -> NDArray[np.int64]:
    """Return where the lines of a text end, found in blocks: a mask is as long as its text."""
    found = [np.empty(0, np.int64)]
    for start in range(0, len(data), BLOCK):
        signs = np.frombuffer(data, np.uint8, min(BLOCK, len(data) - start), start)
        found.append(np.flatnonzero((signs == ord("\n")) | (signs == ord("\r"))) + start)
    return np.concatenate(found)


def _dialects(data: bytes, model: Dialect, said: str | None) -> Iterator[Dialect]:
    """Yield the dialects that a body may have, the model's own first."""
    sample, _ = head_of(data)
    first = said or model.delimiter
    for delimiter in dict.fromkeys((first, *(() if said else DELIMITERS))):
        yield msgspec.structs.replace(
            model, delimiter=delimiter, spaced=spaced(sample, delimiter), encoding="utf-8"
        )


def _heading(data: bytes, known: Set[str], dialects: Iterator[Dialect]) -> _Heading:
    """Return the record whose names are known best, of the first dialect in which it is."""
    best: _Heading | None = None
    fault: Malformed | None = None
    for dialect in dialects:
        try:
            head = _head(data, dialect)
        except Malformed as error:  # quotes of another delimiter's, perhaps
            fault = fault or error
            continue
        for index, cells in enumerate(head):
            found = _Heading(len(known & set(cells)), index, cells, dialect)
            # A line is passed over only for one that names at least half of its columns.
            good = index == 0 or 2 * found.named >= len(cells)
            if good and (best is None or found.named > best.named):
                best = found
            if found.named and 2 * found.named >= len(cells):
                return found
    if best is None:  # under a line such as sep=;
        raise fault or ParseError(EMPTY)
    return best


def _head(data: bytes, dialect: Dialect) -> list[list[str]]:
    """Return the first records, without spaces around their cells, as far as they can be read."""
    found = []
    try:
        for _, record in islice(records(head_of(data)[0], dialect), HEAD_RECORDS):
            found.append([cell.strip() for cell in record])
    except Malformed:
        if not found:
            raise
    return found


def _with_header(data: bytes, heading: _Heading, known: Set[str]) -> Body:
    cells = ["", *heading.cells] if heading.dialect.row_names else heading.cells
    names = _names(cells, known)
    width = len(cells)
    source = Source(data, heading.dialect, 1, heading.record)
    rows = _checked(read_rows(source, width, ()), width)
    _check_unnamed(rows, names)
    columns = {name: rows.columns[index] for index, name in names.items()}
    columns, _, _ = without_total(columns, rows.lines)
    return Body(columns, heading.dialect)


def _headerless(data: bytes, names: Sequence[str], dialects: Iterator[Dialect]) -> Body:
    """Read rows of the features alone, by the first delimiter that parts as many cells."""
    choices = list(dialects)
    dialect = next((d for d in choices if _width(data, d) == len(names)), choices[0])
    rows = _checked(read_rows(Source(data, dialect, 1, -1), len(names), ()), len(names))
    return Body(dict(zip(names, rows.columns, strict=True)), dialect)


def _width(data: bytes, dialect: Dialect) -> int:
    """Return how many cells the first record has, 0 where it cannot be read."""
    try:
        return len(next(iter(_head(data, dialect)), ()))
    except Malformed:
        return 0


def _names(cells: Sequence[str], known: Set[str]) -> dict[int, str]:
    """Return the columns' names by index; one that stands twice is numbered as in training."""
    names: dict[int, str] = {}
    named = {index: cell for index, cell in enumerate(cells) if cell}
    for index, (name, repeated) in numbered(named).items():
        if repeated and name not in known:
            raise ParseError("the CSV header names a column twice")
        names[index] = name
    return names


def _checked(rows: Rows, width: int) -> Rows:
    if rows.ragged and not len(rows.lines):
        # Not a row is as the header: one problem says it.
        row, _, cells = rows.ragged[0]
        raise RowsError(
            f"no row has as many cells as the header: {width}",
            (RowProblem(row, None, f"{width} cells", f"{cells} cells"),),
        )
    if rows.ragged:
        raise rejected(
            RowProblem(row, None, f"{width} cells", f"{cells} cells")
            for row, _, cells in rows.ragged
        )
    return rows


def _check_unnamed(rows: Rows, names: dict[int, str]) -> None:
    """The first column may be an index; another one without a name must be empty."""
    for index, cells in enumerate(rows.columns):
        if index and index not in names and any(map(str.strip, cells)):
            raise ParseError(f"the CSV header has no name for column {index + 1}")
