"""Which dialect a text is written in: found from its first lines."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from errors import DatasetError
from tables.dialect import Dialect

DELIMITERS = (",", ";", "\t", "|")
# The delimiter is the one under which this many first records look most like a table.
SAMPLE_RECORDS = 100

_SEP = re.compile(r"sep=([^\r\n])\r?\n?", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")


class Fit(NamedTuple):
    """How well a dialect fits: whether it parses, the share of records of the usual width, it."""

    parses: bool
    share: float
    width: int


class Malformed(DatasetError):
    """Text that is not CSV; `fault` is what the csv module says of it."""

    def __init__(self, line: int, fault: str) -> None:
        super().__init__(f"the table cannot be read at line {line}: {_reason(fault)}")
        self.fault = fault


def _reason(fault: str) -> str:
    if "end of data" in fault:
        return "a quote is never closed"
    return "a quoted cell goes on after its closing quote"


def records(text: str, dialect: Dialect, line: int = 1) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that has a value, with the line on which it begins; the first is `line`.

    Raises Malformed.
    """
    # A cell may be as long as it likes: what bounds it is the file.
    csv.field_size_limit(sys.maxsize)
    reader = reader_of(io.StringIO(text, newline=""), dialect)
    before = line - 1
    while True:
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise Malformed(line, str(error)) from None
        if record is None:
            return
        if any(map(str.strip, record)):
            yield line, record
        line = before + reader.line_num + 1


def reader_of(lines: io.StringIO, dialect: Dialect) -> csv._reader:  # type: ignore[name-defined]
    """Return the csv module's reader of a dialect."""
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        doublequote=not dialect.escape,
        escapechar=dialect.escape or None,
        skipinitialspace=dialect.spaced,
        strict=True,
    )


def skip_preamble(text: str) -> tuple[int, str | None, int]:
    """Return where the table begins, in characters and in lines, and the delimiter that is said.

    Excel's `sep=;` and lines that begin with # come before a table.
    """
    said = _SEP.match(text)
    start = said.end() if said else 0
    lines = 1 if said else 0
    while text.startswith("#", start) and not _is_header(text, start):
        start = _next_line(text, start)
        lines += 1
    return start, said[1] if said else None, lines


def _next_line(text: str, start: int) -> int:
    found = _LINE.match(text, start)
    return found.end() if found else len(text)


def _is_header(text: str, start: int) -> bool:
    """Whether a line that begins with # names the columns of the line after it, a row of data."""
    after = _next_line(text, start)
    if after >= len(text) or text.startswith("#", after):
        return False
    names, row = text[start:after], text[after : _next_line(text, after)]
    alike = [d for d in DELIMITERS if names.count(d) == row.count(d) > 0]
    return bool(alike) and any(ch.isdigit() for ch in row)


def find_dialect(sample: str, said: str | None = None, whole: bool = True) -> Dialect:
    """Return the dialect of a text by its first records.

    `said` is the delimiter that the file names, and `whole` says that the sample is all of it.
    """
    choices = (said,) if said else DELIMITERS
    found = max(
        (Dialect(d, spaced=spaced(sample, d)) for d in choices),
        key=lambda d: fit(sample, d, whole)[1:],
    )
    if '\\"' in sample and not (plain := fit(sample, found, whole)).parses:
        escaped = msgspec.structs.replace(found, escape="\\")
        if fit(sample, escaped, whole) > plain:
            return escaped
    return found


def spaced(sample: str, delimiter: str) -> bool:
    """Whether spaces stand between a delimiter and a quote."""
    return f"{delimiter} " in sample and bool(re.search(f'{re.escape(delimiter)} +"', sample))


def fit(sample: str, dialect: Dialect, whole: bool = True) -> Fit:
    """Say how well a dialect fits the first records of a text."""
    widths: list[int] = []
    parses = True
    try:
        for _, record in records(sample, dialect):
            widths.append(len(record))
            if len(widths) == SAMPLE_RECORDS:
                break
    except Malformed as error:
        # Only the first records count: a fault further down is reported by line later.
        parses = not whole and "end of data" in error.fault
    width = usual_width(widths)
    return Fit(parses, widths.count(width) / len(widths) if width else 0.0, width)


def usual_width(widths: list[int]) -> int:
    """Return the commonest width of two cells or more, the first of them; 0 if there is none."""
    several = [width for width in widths if width > 1]
    return max(dict.fromkeys(several), key=several.count, default=0)
